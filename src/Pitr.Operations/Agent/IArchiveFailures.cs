namespace Pitr.Operations.Agent;

/// <summary>The rules of docs/exit-codes.md for the two verbs PostgreSQL calls; the command line owns the table.</summary>
public interface IArchiveFailures
{
    /// <summary>The answer to a failed push: an exit code of 1..125, so that PostgreSQL asks again.</summary>
    ArchiveResponse OfPush(Exception failure);

    /// <summary>The answer to a get without an answer: 126, which stops recovery; 1 for a standby, which asks for ever.</summary>
    ArchiveResponse OfGet(Exception failure, bool standby);
}
