namespace Pitr.ArchiveCommand;

/// <summary>The result of asking the agent.</summary>
/// <param name="Outcome">How it ended; <see cref="Answer"/> is set only for <see cref="AgentOutcome.Answered"/>.</param>
/// <param name="Answer">What the agent said.</param>
/// <param name="Errno">The reason of <see cref="AgentOutcome.Unreachable"/> and <see cref="AgentOutcome.BrokenOff"/>; 0 if the agent just closed.</param>
/// <param name="PeerProcessId">Process id of the other side, 0 if not known.</param>
/// <param name="PeerUserId">User id of the other side, for <see cref="AgentOutcome.Untrusted"/>.</param>
readonly record struct AgentReply(AgentOutcome Outcome, AgentAnswer? Answer = null, int Errno = 0, int PeerProcessId = 0, uint PeerUserId = 0);
