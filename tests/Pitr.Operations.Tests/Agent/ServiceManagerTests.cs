using System.Net.Sockets;
using System.Text;
using Pitr.Operations.Agent;

namespace Pitr.Operations.Tests.Agent;

/// <summary>sd_notify(3) from the receiver's side.</summary>
public sealed class ServiceManagerTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("pitr-notify-").FullName;
    readonly Socket _manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ready_status_watchdog_and_stopping_are_datagrams_to_the_socket_that_is_named(bool isAbstract)
    {
        var name = isAbstract ? $"@pitr-{Guid.NewGuid():N}" : Path.Combine(_directory, "notify");
        _manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? '\0' + name[1..] : name));
        using var service = From(("NOTIFY_SOCKET", name), ("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "77"));

        Assert.Equal(TimeSpan.FromSeconds(3), service.Watchdog);
        service.Ready("archived 0 files");
        Assert.Equal("READY=1\nSTATUS=archived 0 files", Receive());
        service.StillAlive();
        Assert.Equal("WATCHDOG=1", Receive());
        service.Status("two\nlines");
        Assert.Equal("STATUS=two lines", Receive());
        service.Stopping();
        Assert.Equal("STOPPING=1\nSTATUS=stopping", Receive());
    }

    [Fact]
    public void Without_a_manager_nothing_is_said_and_no_watchdog_waits()
    {
        using var service = From(("WATCHDOG_USEC", "3000000"));

        service.Ready("");
        service.StillAlive();

        Assert.Null(service.Watchdog);
    }

    [Fact]
    public void A_manager_that_is_gone_does_no_harm()
    {
        using var service = From(("NOTIFY_SOCKET", Path.Combine(_directory, "gone")));

        service.Ready("");
        service.Stopping();
    }

    [Theory]
    [InlineData("3000000", "78")]
    [InlineData("0", "77")]
    [InlineData("-5", "77")]
    [InlineData("soon", "77")]
    public void A_watchdog_that_is_not_meant_or_makes_no_sense_is_none(string microseconds, string process)
    {
        using var service = From(("NOTIFY_SOCKET", Path.Combine(_directory, "notify")), ("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", process));

        Assert.Null(service.Watchdog);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("77", null)]
    [InlineData("77", "0")]
    [InlineData("78", "1")]
    public void Without_a_socket_for_this_process_none_is_taken(string? process, string? count) =>
        Assert.Null(InheritedSocket.Take(name => name == "LISTEN_PID" ? process : name == "LISTEN_FDS" ? count : null, 77));

    [Fact]
    public void Several_sockets_are_refused() => Assert.Contains(
        "2 sockets", Assert.Throws<Errors.RefusedInputException>(() => InheritedSocket.Take(name => name == "LISTEN_PID" ? "77" : "2", 77)).Message, StringComparison.Ordinal);

    static ServiceManager From(params (string Name, string Value)[] variables) =>
        ServiceManager.FromEnvironment(name => variables.FirstOrDefault(v => v.Name == name).Value, 77);

    string Receive()
    {
        _manager.ReceiveTimeout = 30_000;
        var buffer = new byte[1000];
        return Encoding.UTF8.GetString(buffer, 0, _manager.Receive(buffer));
    }

    public void Dispose()
    {
        _manager.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
