using System.Globalization;
using System.Security.Cryptography;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Keys;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
using Pitr.Postgres;
using Pitr.Postgres.Sessions;
using Pitr.Storage;

namespace Pitr.Operations.Check;

/// <summary>
/// Goes the whole way a segment goes and says at each step whether it is passable: keys, repositories, server settings, and at the
/// end a real segment from the server into the repository and back out.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="archiveCommand">The archive_command that is expected.</param>
public sealed class CheckRun(PostgresService service, string archiveCommand)
{
    readonly List<CheckResult> _results = [];

    /// <summary>Runs every check that makes sense after the ones before it.</summary>
    /// <param name="onResult">Told each result as it comes.</param>
    /// <param name="cancellation">Ends the checks.</param>
    public async Task<IReadOnlyList<CheckResult>> RunAsync(Action<CheckResult>? onResult, CancellationToken cancellation)
    {
        await CheckAsync("recipients", onResult, () =>
        {
            var recipients = RecipientFiles.Load(service.Configuration.Encryption);
            return Task.FromResult($"{recipients.Count} recipient(s): {string.Join(", ", recipients.Select(r => r.Id))}");
        });
        await CheckAsync("identity", onResult, () => Task.FromResult(DescribeIdentity()));
        var usable = 0;
        foreach (var store in service.Repositories.Stores)
        {
            usable += await CheckAsync($"repository {store.Name}", onResult, () => TryRepositoryAsync(store, cancellation)) ? 1 : 0;
        }

        var archiving = await CheckServerAsync(onResult, cancellation);
        if (usable >= service.Repositories.Required && archiving)
        {
            await CheckAsync("round trip", onResult, () => RoundTripAsync(cancellation));
        }
        else
        {
            Add(new CheckResult("round trip", false, "not tried, because something before it failed", "fix the lines above first"), onResult);
        }

        return _results;
    }

    string DescribeIdentity()
    {
        if (service.Configuration.Encryption.IdentityFile is null)
        {
            return "none configured: this host can push and back up; restore, drill and verify need one";
        }

        using var identity = IdentityFile.Load(service.Configuration.Encryption);
        var isRecipient = RecipientFiles.Load(service.Configuration.Encryption).Any(r => r.Id == identity.Recipient.Id);
        return isRecipient
            ? $"{identity.Recipient.Id} opens what is sealed here"
            : throw new KeyUnavailableException(
                $"identity {identity.Recipient.Id} is none of the recipients",
                "what is sealed from now on could not be opened with it; add its public key to encryption.recipients");
    }

    async Task<string> TryRepositoryAsync(IObjectStore store, CancellationToken cancellation)
    {
        var document = await RepositorySet.RequireInitialisedAsync(store, cancellation);
        var key = RepositoryLayout.Lock(service.Name, $"check-{Guid.NewGuid():N}");
        var content = RandomNumberGenerator.GetBytes(4096);
        await store.PutAsync(key, ObjectContent.FromMemory(content), PutMode.CreateNew, cancellation);
        var read = await store.ReadAllAsync(key, cancellation);
        await store.DeleteAsync(key, cancellation);
        if (!read.AsSpan().SequenceEqual(content))
        {
            throw new DamagedRepositoryException(
                $"repository {store.Name} gave back other bytes than were put",
                "do not trust this storage; check the disk or the provider");
        }

        if (await store.StatAsync(key, cancellation) is not null)
        {
            throw new RepositoryUnavailableException(
                $"repository {store.Name} still has an object after its deletion",
                "check the permissions and versioning of the store");
        }

        var remark = store.Capabilities.Remark is { } text ? $"; {text}" : "";
        var owed = service.Repositories.Debts.Owed(store.Name).Count();
        var lag = owed == 0 ? "" : $"; owed {owed} objects, which `pitr agent` gives to it";
        return $"{store.Location}: written, read and deleted; format {document.Format}, id {document.RepositoryId}{lag}{remark}";
    }

    async Task<bool> CheckServerAsync(Action<CheckResult>? onResult, CancellationToken cancellation)
    {
        PostgresSession? session = null;
        var reached = await CheckAsync("server", onResult, async () =>
        {
            session = await PostgresSession.OpenAsync(service.Settings.RevealConnection(), cancellation);
            var facts = await session.ReadFactsAsync(cancellation);
            foreach (var store in service.Repositories.Stores)
            {
                await new ServiceRegistry(service).ClaimAsync(store, facts.SystemIdentifier, facts.MajorVersion, facts.WalSegmentSize.Bytes, cancellation);
            }

            return $"PostgreSQL {facts.MajorVersion}, system identifier {facts.SystemIdentifier}, timeline {facts.Timeline}{(facts.InRecovery ? ", standby" : "")}";
        });
        if (!reached || session is null)
        {
            return false;
        }

        await using (session)
        {
            var passed = true;
            var advice = ServerSettingAdvice.For(archiveCommand);
            var current = await session.ReadSettingsAsync(advice.Select(a => a.Name), cancellation);
            foreach (var setting in advice)
            {
                passed &= await CheckAsync(setting.Name, onResult, () => Task.FromResult(DescribeSetting(setting, current[setting.Name])));
            }

            await CheckAsync("archiver", onResult, async () => DescribeArchiver(await session.ReadArchiverAsync(cancellation)));
            foreach (var (name, check) in service.Settings.Wal.Stream.IsOn ? new StreamChecks(service, session).All() : [])
            {
                await CheckAsync(name, onResult, () => check(cancellation));
            }

            return passed;
        }
    }

    static string DescribeSetting(ServerSettingAdvice advice, ServerSetting setting)
    {
        if (setting.PendingRestart)
        {
            throw new ImpossiblePlanException($"{setting.Value} now, another value waits for a restart", "restart PostgreSQL");
        }

        if (advice.Name == "archive_command" && setting.Value == "(disabled)")
        {
            throw new ImpossiblePlanException(
                "not visible while archive_mode is off",
                "switch archive_mode on and restart PostgreSQL, then check again");
        }

        // Another wrapper around the command is the operator's choice, as long as it calls pitr-archive.
        var good = ServerSettingsApplied.Satisfies(advice, setting.Value)
            || (advice.Name == "archive_command" && Calls(setting.Value, advice.Value));
        return good
            ? setting.Value
            : throw new ImpossiblePlanException(
                $"is '{setting.Value}', needed is '{advice.Value}' ({advice.Why})",
                $"{advice.ToSql()}; then {(setting.NeedsRestart ? "restart PostgreSQL" : "SELECT pg_reload_conf()")}; or `pitr init --apply` sets them all");
    }

    // The configuration and socket it names must be these, too: another pitr-archive would feed another repository.
    static bool Calls(string command, string expected) => command.Contains(expected, StringComparison.Ordinal);

    static string DescribeArchiver(ArchiverState state) => state.IsFailing
        ? throw new RepositoryUnavailableException(
            $"archiving {state.LastFailedWal} failed at {state.LastFailedTime:u}, {state.FailedCount} failures in all",
            "the server's log holds archive_command's messages")
        : string.Create(CultureInfo.InvariantCulture, $"{state.ArchivedCount} archived, last {state.LastArchivedWal ?? "none yet"}");

    async Task<string> RoundTripAsync(CancellationToken cancellation)
    {
        await using var session = await PostgresSession.OpenAsync(service.Settings.RevealConnection(), cancellation);
        if ((await session.ReadFactsAsync(cancellation)).InRecovery)
        {
            return "not tried: a standby cannot switch WAL";
        }

        var started = service.Clock.GetTimestamp();
        var segment = await session.SwitchWalAsync(cancellation);
        var content = await new WalArrival(service).WaitForFileAsync(WalFileName.Parse(segment.ToString()), TimeSpan.FromMinutes(1), cancellation);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{segment} reached {service.Repositories.Names} and opens, {content.Length} bytes, after {service.Clock.GetElapsedTime(started).TotalSeconds:0.0} s");
    }

    async Task<bool> CheckAsync(string name, Action<CheckResult>? onResult, Func<Task<string>> check)
    {
        CheckResult result;
        try
        {
            result = new CheckResult(name, true, await check(), null);
        }
        catch (Exception e) when (e is OperationException or ServerException or StorageException or Configuration.ConfigurationException or Format.UnsupportedFormatException or Format.DamagedObjectException)
        {
            result = new CheckResult(name, false, e.Message, HintOf(e) ?? "see the message");
        }

        Add(result, onResult);
        return result.Passed;
    }

    void Add(CheckResult result, Action<CheckResult>? onResult)
    {
        _results.Add(result);
        onResult?.Invoke(result);
    }

    static string? HintOf(Exception e) => e switch
    {
        OperationException operation => operation.Hint,
        ServerException server => server.Hint,
        StorageException storage => storage.Hint,
        Configuration.ConfigurationException configuration => configuration.Hint,
        _ => null,
    };
}
