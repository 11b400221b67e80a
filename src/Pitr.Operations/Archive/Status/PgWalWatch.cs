using Pitr.Operations.Configuration;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Serilog;
using Serilog.Events;

namespace Pitr.Operations.Archive.Status;

/// <summary>
/// Watches pg_wal of a service for as long as the agent runs, through its files alone, and says in the log when segments wait for the
/// archiver, with the time that the disk lasts; says so again while it goes on, and once when it is over.
/// </summary>
public sealed class PgWalWatch : IAsyncDisposable
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    static readonly TimeSpan Reminder = TimeSpan.FromMinutes(5);
    static readonly TimeSpan UrgentReminder = TimeSpan.FromMinutes(1);
    static readonly TimeSpan Urgent = TimeSpan.FromHours(1);

    readonly string _service;
    readonly string _dataDirectory;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly CancellationTokenSource _stopping = new();
    Task _running = Task.CompletedTask;
    PgWalSample? _last;
    DateTimeOffset? _told;
    bool _toldUnseen;

    PgWalWatch(PostgresServiceSettings settings, TimeProvider clock, ILogger log)
    {
        _service = settings.Name;
        _dataDirectory = settings.DataDirectory!;
        _clock = clock;
        _log = log.ForContext("Service", settings.Name);
    }

    /// <summary>Watches every PostgreSQL service whose data directory is configured. Begins at once, and ends with the result.</summary>
    public static IAsyncDisposable StartAll(PitrConfiguration configuration, TimeProvider clock, ILogger log) =>
        new Several([.. configuration.Services.Values.OfType<PostgresServiceSettings>().Where(s => s.DataDirectory is not null).Select(s => Start(s, clock, log))]);

    /// <summary>Watches one service, whose data directory is configured.</summary>
    public static PgWalWatch Start(PostgresServiceSettings settings, TimeProvider clock, ILogger log)
    {
        var watch = new PgWalWatch(settings, clock, log);
        watch._running = Task.Run(watch.RunAsync);
        return watch;
    }

    async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            Look();
            await Task.Delay(Interval, _clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    void Look()
    {
        try
        {
            // Read each time: the directory may be another cluster's by now.
            var size = ControlFile.ReadFrom(_dataDirectory).WalSegmentSize;
            var content = new PgWalDirectory(_dataDirectory, size, _clock).Read();
            _toldUnseen = false;
            if (content.WrittenTo is { } position)
            {
                var sample = new PgWalSample(content.At, position, content, []);
                Say(content, PgWalRunway.Measure(_last ?? sample, sample, size));
                _last = sample;
            }
        }
        catch (ServerException e)
        {
            if (!_toldUnseen)
            {
                _log.Information("{Service}: pg_wal is not watched as long as this lasts: {Reason}", _service, e.Message);
            }

            _toldUnseen = true;
        }
    }

    void Say(PgWalContent content, PgWalRunway runway)
    {
        var waits = content.OldestReadySince is { } since ? content.At - since : TimeSpan.Zero;
        if (waits < PgWalRunway.Patience && runway.GrowthRate == 0)
        {
            if (_told is not null)
            {
                _log.Information("{Service}: archiving keeps up again; {Free} MiB are free on the disk of pg_wal", _service, content.FreeBytes >> 20);
            }

            _told = null;
            return;
        }

        var urgent = runway.TimeLeft < Urgent;
        if (_told is { } told && content.At - told < (urgent ? UrgentReminder : Reminder))
        {
            return;
        }

        _told = content.At;
        _log.Write(
            urgent ? LogEventLevel.Error : LogEventLevel.Warning,
            "{Service}: {Ready} files wait for the archiver, the first for {Waits}; pg_wal has {Size} MiB and grows by {Growth} KiB/s, {Room} MiB of WAL still fit on its disk: {TimeLeft}",
            _service,
            content.Ready,
            WalJudgement.Rounded(waits),
            content.Bytes >> 20,
            (long)runway.GrowthRate >> 10,
            runway.Room >> 20,
            runway.TimeLeft is { } left ? $"full in {WalJudgement.Rounded(left)}" : "it does not grow now");
    }

    /// <summary>Stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    sealed class Several(IReadOnlyList<PgWalWatch> watches) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var watch in watches)
            {
                await watch.DisposeAsync();
            }
        }
    }
}
