using System.Runtime.InteropServices;

namespace Pitr.ArchiveCommand;

/// <summary>
/// pitr-archive: what PostgreSQL calls as archive_command and restore_command. Asks the agent; if there is none, becomes pitr itself.
/// Start-up is the cost here, so nothing is loaded that a push does not need.
/// </summary>
static class Program
{
    const string DefaultSocket = "/run/pitr/agent.sock";
    const string SameRelease = "restart pitr agent, it may run since before an upgrade; pitr and pitr-archive should come from the same release";

    static int Main(string[] arguments)
    {
        var line = CommandLine.Parse(arguments);
        try
        {
            return Run(line);
        }
        catch (Exception e)
        {
            // An abort would end with 134, which PostgreSQL takes as "stop"; a push must merely be asked for again.
            Message.Error($"{e.GetType().Name}: {e.Message}", "this is a bug in pitr-archive");
            return ExitCode.ForUnknown(line.Verb, line.Standby);
        }
    }

    static int Run(CommandLine line)
    {
        if (line.WantsHelp)
        {
            Message.ToStandardOutput(HelpText.Text);
            return 0;
        }

        if (line.WantsVersion)
        {
            Message.ToStandardOutput($"pitr-archive {ProgramVersion.Text}\n");
            return 0;
        }

        if (line.Error is not null)
        {
            Message.Error(line.Error, "pitr-archive --help shows examples for archive_command and restore_command");
            return ExitCode.ForUsage(line.Verb);
        }

        return AskAgent(line) ?? RunInline(line);
    }

    /// <returns>The exit code, or null if the work has to be done inline.</returns>
    static int? AskAgent(CommandLine line)
    {
        var named = line.Socket ?? ProcessEnvironment.Get("PITR_SOCKET");
        var socket = named ?? DefaultSocket;
        var path = ProcessEnvironment.MakeAbsolute(line.Path);
        var request = path is null ? null : AgentRequest.Write(line, path);
        if (path is null || request is null)
        {
            Message.Warning($"\"{line.Path}\" cannot be named to the agent; doing the work inline",
                "the data directory's path must be valid UTF-8 without line feeds, and shorter than 4096 bytes");
            return null;
        }

        var reply = AgentConversation.Ask(socket, request, line.TimeoutSeconds);
        switch (reply.Outcome)
        {
            case AgentOutcome.Answered when reply.Answer!.Code != ExitCode.DoItYourself:
                return Report(line, path, reply.Answer);
            case AgentOutcome.TimedOut:
                return GiveUp(line, "agent at \"" + socket + "\"", reply);
            case var _ when AskHelper(line, path, request) is { } code:
                return code;
            case AgentOutcome.Absent when named is null:
                // Working without an agent is a way to run pitr, not a fault.
                return null;
            default:
                WarnInline(socket, reply);
                return null;
        }
    }

    /// <summary>Asks the helper of this recovery, if there is one.</summary>
    /// <returns>The exit code, or null if the work has to be done inline.</returns>
    static int? AskHelper(CommandLine line, string path, ReadOnlySpan<byte> request)
    {
        if (line.Verb != ArchiveVerb.Get)
        {
            return null;
        }

        var reply = AgentConversation.Ask(RecoveryHelper.SocketName(line, path, Libc.geteuid()), request, line.TimeoutSeconds);
        return reply.Outcome switch
        {
            AgentOutcome.Answered when reply.Answer!.Code != ExitCode.DoItYourself => Report(line, path, reply.Answer),
            AgentOutcome.TimedOut => GiveUp(line, "helper of this recovery", reply),
            // None, or it ends just now: a segment that it had begun to bring is brought again.
            _ => null,
        };
    }

    static int GiveUp(CommandLine line, string who, AgentReply reply)
    {
        Message.Error($"the {who}{(reply.PeerProcessId > 0 ? $" (process {reply.PeerProcessId})" : "")} did not answer " +
            $"within {line.TimeoutSeconds} s: {Consequence(line)}",
            "the agent hangs or its repositories do; see its log, restart it, and watch the free space of pg_wal");
        return ExitCode.ForUnknown(line.Verb, line.Standby);
    }

    /// <summary>Passes the agent's answer on to PostgreSQL.</summary>
    static int Report(CommandLine line, string path, AgentAnswer answer)
    {
        foreach (var message in answer.Messages)
        {
            Message.FromAgent(message);
        }

        var code = ExitCode.FromAgent(line.Verb, line.Standby, answer.Code);
        if (line.Verb == ArchiveVerb.Get && code == 0 && Libc.access(path, Libc.F_OK) != 0)
        {
            // PostgreSQL would take a file that is not there for one that was never archived, and end recovery.
            Message.Error($"the agent says that \"{line.File}\" is in place, but \"{path}\" is not there: " +
                Message.Describe(Marshal.GetLastPInvokeError()), "does the agent see the same file system, with the rights to write there?");
            return ExitCode.ForUnknown(line.Verb, line.Standby);
        }

        if (answer.Messages.Count == 0 && answer.Code != 0 && !(line.Verb == ArchiveVerb.Get && answer.Code == 1))
        {
            Message.Error($"the agent answered with code {answer.Code} and no reason: {Consequence(line)}", "the agent's log knows more");
        }

        return code;
    }

    static void WarnInline(string socket, AgentReply reply)
    {
        var (what, hint) = reply.Outcome switch
        {
            AgentOutcome.Absent => ($"there is no agent socket \"{socket}\"", "start \"pitr agent\", or name its socket with --socket"),
            AgentOutcome.Untrusted => (
                $"process {reply.PeerProcessId} at \"{socket}\" runs as user id {reply.PeerUserId} and is not believed",
                $"the agent has to run as root or as user id {Libc.geteuid()}"),
            AgentOutcome.BrokenOff => (
                $"the agent at \"{socket}\" ended the connection before its whole answer{(reply.Errno == 0 ? "" : ": " + Message.Describe(reply.Errno))}",
                "the agent's log says why it stopped"),
            AgentOutcome.Unreadable => (
                $"the answer from \"{socket}\" is none of agent protocol version 1", SameRelease),
            AgentOutcome.Answered => (
                $"the agent at \"{socket}\" declined{(reply.Answer!.Messages.Count == 0 ? "" : $" ({reply.Answer.Messages[0]})")}",
                SameRelease),
            _ => ($"the agent at \"{socket}\" cannot be reached: {Message.Describe(reply.Errno)}", UnreachableHint(reply.Errno)),
        };
        Message.Warning($"{what}; doing the work inline", hint);
    }

    static string UnreachableHint(int errno) => errno switch
    {
        Libc.ECONNREFUSED => "the agent is not running and left its socket behind; start \"pitr agent\"",
        Libc.EACCES or Libc.EPERM => $"user id {Libc.geteuid()} needs write permission on the socket and search permission on its directories",
        Libc.ENAMETOOLONG => $"a socket path has at most {Libc.UnixAddress.MaximumPath} bytes",
        _ => "check the socket and the agent",
    };

    static int RunInline(CommandLine line)
    {
        var errno = InlineProgram.Become(line, out var tried);
        Message.Error($"could not run {tried}: {Message.Describe(errno)}: {Consequence(line)}",
            "install pitr beside pitr-archive, or name it with --pitr or PITR_PROGRAM");
        return ExitCode.ForUnknown(line.Verb, line.Standby);
    }

    static string Consequence(CommandLine line) => line.Verb == ArchiveVerb.Push
        ? $"\"{line.Path}\" is not archived, PostgreSQL keeps it and asks again"
        : $"whether the archive holds \"{line.File}\" is not known";
}
