using System.Text;

namespace Pitr.ArchiveCommand.Tests;

public sealed class AgentRequestTests
{
    [Fact]
    public void The_requests_are_those_of_the_protocol()
    {
        Assert.Equal(
            "pitr-agent 1 push\nservice: main\npath: /data/pg_wal/A\n\n",
            Write("/data/pg_wal/A", "push", "main", "pg_wal/A"));
        Assert.Equal(
            "pitr-agent 1 get\nservice: main\nfile: 00000002.history\npath: /data/x\n\n",
            Write("/data/x", "get", "main", "00000002.history", "x"));
        Assert.Equal(
            "pitr-agent 1 get\nservice: main\nfile: 00000002.history\npath: /data/x\nstandby: true\n\n",
            Write("/data/x", "get", "main", "00000002.history", "x", "--standby"));
    }

    [Fact]
    public void A_request_longer_than_the_protocol_allows_is_not_written()
    {
        var name = new string('ä', 4096);
        Assert.Null(Write("/" + name, "push", "main", name));
    }

    static string? Write(string path, params string[] arguments)
    {
        var line = CommandLine.Parse(arguments);
        Assert.Null(line.Error);
        return AgentRequest.Write(line, path) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
    }
}
