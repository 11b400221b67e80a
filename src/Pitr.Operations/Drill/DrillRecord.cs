using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Operations.Audit;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Storage;

namespace Pitr.Operations.Drill;

/// <summary>
/// A drill under way, of a service of any kind: how long its parts took, what was looked at, and in the end a verdict, which is stored. A recovery that fails is a verdict as well.
/// </summary>
sealed class DrillRecord
{
    readonly OpenedService _service;
    readonly DrillHistory _history;
    readonly IProgress<RestoreProgress>? _progress;
    readonly List<DrillPhase> _phases = [];
    readonly List<string> _failures = [];
    readonly long _started;
    long _phaseStarted;

    /// <summary>Begins; time counts from here.</summary>
    /// <param name="service">The service.</param>
    /// <param name="target">What was asked for, in words.</param>
    /// <param name="seed">What a random target is chosen with.</param>
    /// <param name="progress">Told what is done.</param>
    public DrillRecord(OpenedService service, string target, int? seed, IProgress<RestoreProgress>? progress)
    {
        (_service, _history, _progress) = (service, new DrillHistory(service), progress);
        var requested = service.Clock.GetUtcNow();
        _started = service.Clock.GetTimestamp();
        var objectives = service.Configuration.Service(service.Name.Value).Objectives;
        Report = new DrillReport
        {
            Id = NewId(requested),
            Service = service.Name.ToString(),
            Kind = service.Kind,
            Host = Environment.MachineName,
            Requested = requested,
            Target = target,
            RandomSeed = seed,
            Verdict = "failed",
            Failures = _failures,
            RtoObjectiveSeconds = objectives.Rto.TotalSeconds,
            RpoObjectiveSeconds = objectives.Rpo.TotalSeconds,
            Phases = _phases,
            Checks = Checks,
        };
    }

    /// <summary>What is known so far; to be replaced as more is.</summary>
    public DrillReport Report { get; set; }

    /// <summary>What was looked at.</summary>
    public List<DrillCheck> Checks { get; } = [];

    /// <summary>Seconds since it was asked for.</summary>
    public double Elapsed => _service.Clock.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Begins a phase.</summary>
    /// <param name="what">What is done, in words.</param>
    public void Begin(string what)
    {
        _phaseStarted = _service.Clock.GetTimestamp();
        _progress?.Report(new RestoreProgress(what, 0, 0));
    }

    /// <summary>Ends the phase that was begun last.</summary>
    /// <param name="phase">Its name in the report.</param>
    public void End(string phase) => _phases.Add(new DrillPhase(phase, _service.Clock.GetElapsedTime(_phaseStarted).TotalSeconds));

    /// <summary>Runs the recovery, judges it, and stores the report.</summary>
    /// <param name="recover">Recovers and checks, and fills <see cref="Report"/> and <see cref="Checks"/>.</param>
    /// <param name="cancellation">Ends it without a report.</param>
    /// <exception cref="StorageException">The report could not be stored.</exception>
    public async Task<DrillReport> RunAsync(Func<Task> recover, CancellationToken cancellation)
    {
        try
        {
            await recover();
        }
        catch (Exception e) when (IsFailedRecovery(e))
        {
            cancellation.ThrowIfCancellationRequested();
            _service.Log.Information(e, "drill {Drill} failed", Report.Id);
            _failures.Add(Text(e));
        }

        Judge();
        await _history.StoreAsync(Report, cancellation);
        return Report;
    }

    /// <summary>The newest drill that passed, for comparison only: a history that cannot be read now does not spoil the drill.</summary>
    /// <param name="cancellation">Ends the search.</param>
    /// <param name="isAlike">Which ones are meant; null: all.</param>
    public async Task<DrillReport?> FindEarlierAsync(CancellationToken cancellation, Func<DrillReport, bool>? isAlike = null)
    {
        try
        {
            return await _history.FindLastPassedAsync(isAlike, cancellation);
        }
        catch (StorageException e)
        {
            _service.Log.Warning("the drill is compared with no other, the history of drills cannot be read: {Reason}", e.Message);
            return null;
        }
    }

    // Hosts that drill the same service in the same second must not overwrite each other's reports.
    // To the millisecond, as of other records: ids are in the order of the drills.
    static string NewId(DateTimeOffset requested) => AuditTrail.IdOf(requested, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(2)));

    // What can go wrong with a repository, a key, a disk or a server. Anything else is a defect of this program, and no verdict about a backup; nor is other work that is under way.
    static bool IsFailedRecovery(Exception e) =>
        e is (OperationException and not BusyException) or ServerException or StorageException or DamagedObjectException or UnsupportedFormatException or NpgsqlException or IOException or UnauthorizedAccessException;

    // The next step stands in the report as well: who reads it did not see the command.
    static string Text(Exception e) => e switch { OperationException { Hint: { } hint } => $"{e.Message}; {hint}", ServerException { Hint: { } hint } => $"{e.Message}; {hint}", _ => e.Message };

    void Judge()
    {
        if (Report.RtoSeconds > Report.RtoObjectiveSeconds)
        {
            _failures.Add(string.Create(CultureInfo.InvariantCulture, $"RTO {Report.RtoSeconds:0.0} s misses the objective of {Report.RtoObjectiveSeconds:0} s"));
        }

        if (Report.RpoSeconds > Report.RpoObjectiveSeconds)
        {
            _failures.Add(string.Create(CultureInfo.InvariantCulture, $"RPO {Report.RpoSeconds:0.0} s misses the objective of {Report.RpoObjectiveSeconds:0} s"));
        }

        _failures.AddRange(Checks.Where(c => !c.Passed).Select(c => $"{c.Name}: {c.Detail}"));
        Report = Report with { Verdict = _failures.Count == 0 ? "passed" : "failed" };
    }
}
