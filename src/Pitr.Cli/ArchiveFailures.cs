using Pitr.Cli.Output;
using Pitr.Operations.Agent;

namespace Pitr.Cli;

/// <summary>The two verbs PostgreSQL calls have rules of their own: docs/exit-codes.md.</summary>
sealed class ArchiveFailures : IArchiveFailures
{
    const int MostForPush = 125;

    /// <inheritdoc/>
    public ArchiveResponse OfPush(Exception failure)
    {
        var code = ExitCodes.Of(failure);
        return new ArchiveResponse(code is > 0 and <= MostForPush ? code : ExitCodes.Failure, ErrorOutput.Text(failure));
    }

    /// <inheritdoc/>
    public ArchiveResponse OfGet(Exception failure, bool standby) => new(standby ? ExitCodes.ProvenAbsent : ExitCodes.Unknown, ErrorOutput.Text(failure));
}
