using System.Globalization;
using System.Security.Cryptography;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Services;
using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Audit;

/// <summary>
/// What was done to a service's data, or to a repository as a whole, by whom, and how it ended. Kept beside the data, in every repository, so that it is as safe as
/// the data. Append-only: a record has a name of its own and is never written again. What takes long or destroys leaves one record when it begins and one when it
/// ends; their ids have the random part in common, so that a listing tells what has not ended.
/// </summary>
/// <param name="repositories">The repositories.</param>
/// <param name="service">The service; null: what was done to the repositories themselves.</param>
/// <param name="log">Told what cannot be read.</param>
public sealed class AuditTrail(RepositorySet repositories, ServiceName? service, ILogger log)
{
    const string TimeFormat = "yyyyMMdd'T'HHmmss'.'fff'Z'";
    const int TimeLength = 20;
    const string Json = ".json";

    /// <summary>The trail of a service.</summary>
    public AuditTrail(OpenedService service)
        : this(service.Repositories, service.Name, service.Log)
    {
    }

    /// <summary>An id for what ended at a moment, and left no other record.</summary>
    public static string NewId(DateTimeOffset ended) => IdOf(ended, NewToken());

    /// <summary>What the ids of an action's records have in common.</summary>
    public static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>The id of a record.</summary>
    /// <param name="moment">When the action began, or ended.</param>
    /// <param name="token">What the ids of the action's records have in common.</param>
    public static string IdOf(DateTimeOffset moment, string token) =>
        string.Create(CultureInfo.InvariantCulture, $"{moment.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}-{token}");

    /// <summary>Writes that something begins, as every object is written: a repository that is away is owed it.</summary>
    /// <inheritdoc cref="WriteAsync(AuditRecord, CancellationToken)"/>
    public Task BeginAsync(AuditBeginning beginning, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(beginning);
        return WriteAsync(RepositoryLayout.AuditBeginning(service, beginning.Id), beginning.ToJson(), cancellation);
    }

    /// <summary>Writes how something ended, as every object is written: a repository that is away is owed it.</summary>
    /// <exception cref="StorageException">Too few repositories could take it.</exception>
    /// <exception cref="Errors.RepositoryUnavailableException">One is no repository, or not there.</exception>
    /// <exception cref="UnsupportedFormatException">A newer version has written one.</exception>
    public Task WriteAsync(AuditRecord record, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(record);
        return WriteAsync(RepositoryLayout.Audit(service, record.Id), record.ToJson(), cancellation);
    }

    /// <summary>Reads the newest records.</summary>
    /// <param name="since">None that ended before, or, of what has not ended, began before; null: from the beginning.</param>
    /// <param name="most">So many at most.</param>
    /// <param name="wants">Whether a record is wanted.</param>
    /// <param name="wantsUnfinished">Whether something is wanted that has not ended.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>What was found. Repositories that did not answer are in <see cref="RepositorySet.Unanswered"/>.</returns>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    public async Task<AuditHistory> ReadAsync(
        DateTimeOffset? since, int most, Predicate<AuditRecord> wants, Predicate<UnfinishedAction> wantsUnfinished, CancellationToken cancellation)
    {
        var prefix = RepositoryLayout.AuditPrefix(service);
        var ends = new StoredRecords<AuditRecord>(repositories, log, prefix, json => AuditRecord.Parse(json));
        var beginnings = new StoredRecords<UnfinishedAction>(repositories, log, prefix, json => Unfinished(AuditBeginning.Parse(json)));
        var keys = await ends.ListAsync(cancellation);
        var ended = Ended(keys);
        var wanted = keys.Where(key => since is null || MomentOf(key) is not { } moment || moment >= since).ToArray();
        var (records, unreadable) = await ends.ReadNewestAsync(wanted.Where(key => !IsBeginning(key)), most, wants, cancellation);
        var (unfinished, alsoUnreadable) = await beginnings.ReadNewestAsync(
            wanted.Where(key => IsBeginning(key) && !ended.Contains(TokenOf(key))), most, wantsUnfinished, cancellation);
        if (unfinished.Any(u => u.State == AuditState.Gone))
        {
            // Between the listing and the look at its process it may have ended as it should.
            ended = Ended(await ends.ListAsync(cancellation));
            unfinished = [.. unfinished.Where(u => !ended.Contains(TokenOf(u.Beginning.Id)))];
        }

        return new AuditHistory(records, unfinished, [.. unreadable, .. alsoUnreadable]).Newest(most);
    }

    static HashSet<string> Ended(IReadOnlyList<string> keys) => [.. keys.Where(key => !IsBeginning(key)).Select(TokenOf)];

    Task WriteAsync(string key, byte[] json, CancellationToken cancellation) => repositories.WriteAsync(
        [key],
        Laggards.Await,
        async (store, token) =>
        {
            // Nothing is made where no repository is, or none that this version may write to: a mount may be missing.
            await RepositorySet.RequireInitialisedAsync(store, token);
            await store.PutAsync(key, ObjectContent.FromMemory(json), PutMode.CreateNew, token);
        },
        cancellation);

    // Its end may lie where nobody answered, also there alone: one that too few repositories took is none that was acknowledged.
    UnfinishedAction Unfinished(AuditBeginning beginning) => new(beginning, AuditedProcess.IsRunning(beginning) switch
    {
        true => AuditState.Running,
        false when repositories.Unanswered.Count == 0 => AuditState.Gone,
        _ => AuditState.Unknown,
    });

    static bool IsBeginning(string key) => key.EndsWith(RepositoryLayout.AuditBeginningSuffix, StringComparison.Ordinal);

    static string TokenOf(string key)
    {
        var end = key.Length - (IsBeginning(key) ? RepositoryLayout.AuditBeginningSuffix.Length : key.EndsWith(Json, StringComparison.Ordinal) ? Json.Length : 0);
        return key[Math.Min(end, key.LastIndexOf('-') + 1)..end];
    }

    // One of an unknown form is read, and then said to be unreadable, rather than passed over.
    static DateTimeOffset? MomentOf(string key)
    {
        var name = key.AsSpan(key.LastIndexOf('/') + 1);
        return name.Length > TimeLength && DateTimeOffset.TryParseExact(name[..TimeLength], TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) ? moment : null;
    }
}
