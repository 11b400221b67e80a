using Pitr.Operations.Archive.Status;
using Pitr.Operations.Configuration;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace Pitr.Operations.Tests.Archive.Status;

public sealed class PgWalWatchTests : IDisposable
{
    readonly TestClock _clock = new(Scenario.Start);
    readonly Sink _sink = new();
    readonly DataDirectorySample _data;
    readonly string _path = Directory.CreateTempSubdirectory("pitr-watch-").FullName;

    public PgWalWatchTests() => _data = new DataDirectorySample(_path);

    public void Dispose() => Directory.Delete(_path, recursive: true);

    PgWalWatch Start() => PgWalWatch.Start(
        new PostgresServiceSettings("main", ["r1"], ObjectiveSettings.Default, RetentionSettings.Default) { DataDirectory = _path },
        _clock,
        new LoggerConfiguration().MinimumLevel.Debug().WriteTo.Sink(_sink).CreateLogger());

    // One look has ended when the next is waited for.
    async Task LookAsync()
    {
        while (_clock.Waiting == 0)
        {
            await Task.Delay(1);
        }
    }

    async Task NextAsync(double seconds = 15)
    {
        await LookAsync();
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        await LookAsync();
    }

    [Fact]
    public async Task A_backlog_is_said_with_the_time_left_again_while_it_lasts_and_once_when_it_is_over()
    {
        _data.Write(4);
        _data.Write(5, pages: 100);
        _data.Done(4, Scenario.Start);
        await using var watch = Start();
        await NextAsync();
        Assert.Empty(_sink.Events);

        // The archiver stands still, and a segment is written each 15 seconds.
        for (ulong number = 5; number < 10; number++)
        {
            _data.Write(number);
            _data.Ready(number, _clock.GetUtcNow());
            _data.Write(number + 1, pages: 1);
            await NextAsync();
        }

        var said = Assert.Single(_sink.Events);
        Assert.Equal("main", said.Properties["Service"].ToString().Trim('"'));
        var text = said.RenderMessage();
        Assert.Contains("files wait for the archiver", text, StringComparison.Ordinal);
        Assert.Matches("full in \\d+[dhms]", text);
        await NextAsync(300);
        Assert.Equal(2, _sink.Events.Count);

        for (ulong number = 5; number < 10; number++)
        {
            _data.Done(number, _clock.GetUtcNow());
        }

        await NextAsync();
        Assert.Equal(3, _sink.Events.Count);
        Assert.Contains("keeps up again", _sink.Events[^1].RenderMessage(), StringComparison.Ordinal);
        await NextAsync();
        Assert.Equal(3, _sink.Events.Count);
    }

    [Fact]
    public async Task A_directory_that_cannot_be_seen_is_said_once()
    {
        Directory.Move(_path, _path + "-away");
        await using (Start())
        {
            await NextAsync();
            await NextAsync();
            Assert.Contains("not watched", Assert.Single(_sink.Events).RenderMessage(), StringComparison.Ordinal);
            Directory.Move(_path + "-away", _path);
            _data.Write(4);
            _data.Ready(4, _clock.GetUtcNow().AddMinutes(-1));
            await NextAsync();
            Assert.Equal(2, _sink.Events.Count);
        }
    }

    sealed class Sink : ILogEventSink
    {
        readonly Lock _lock = new();
        readonly List<LogEvent> _events = [];

        public IReadOnlyList<LogEvent> Events
        {
            get
            {
                lock (_lock)
                {
                    return [.. _events];
                }
            }
        }

        public void Emit(LogEvent logEvent)
        {
            lock (_lock)
            {
                _events.Add(logEvent);
            }
        }
    }
}
