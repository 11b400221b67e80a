using System.Runtime.CompilerServices;
using System.Text;
using Npgsql.Replication;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Replication;

/// <summary>
/// Asks <c>TIMELINE_HISTORY</c> over a replication connection. Npgsql 10 has a method for it that fails with every supported server: it
/// casts the content to bytes, and servers describe it as text (decision 0028). So the question is put through the method that Npgsql's own is
/// made of; a test asks every supported version.
/// </summary>
static class TimelineHistoryQuestion
{
    public static async Task<byte[]> AskAsync(ReplicationConnection connection, Timeline timeline, CancellationToken cancellationToken)
    {
        var row = await ReadSingleRow(connection, $"TIMELINE_HISTORY {timeline}", cancellationToken);
        return row[1] as byte[] ?? Encoding.UTF8.GetBytes((string)row[1]);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = nameof(ReadSingleRow))]
    static extern Task<object[]> ReadSingleRow(ReplicationConnection connection, string command, CancellationToken cancellationToken);
}
