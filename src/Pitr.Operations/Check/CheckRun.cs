using System.Globalization;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
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
    /// <summary>Runs every check that makes sense after the ones before it.</summary>
    /// <param name="onResult">Told each result as it comes.</param>
    /// <param name="cancellation">Ends the checks.</param>
    public async Task<IReadOnlyList<CheckResult>> RunAsync(Action<CheckResult>? onResult, CancellationToken cancellation)
    {
        var list = new CheckList(onResult);
        var storing = await new StorageChecks(service, list).RunAsync(cancellation);
        var archiving = await CheckServerAsync(list, cancellation);
        if (storing && archiving)
        {
            await list.CheckAsync("round trip", () => RoundTripAsync(cancellation));
        }
        else
        {
            list.AddNotTried("round trip");
        }

        return list.Results;
    }

    async Task<bool> CheckServerAsync(CheckList list, CancellationToken cancellation)
    {
        PostgresSession? session = null;
        var reached = await list.CheckAsync("server", async () =>
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
                passed &= await list.CheckAsync(setting.Name, () => Task.FromResult(DescribeSetting(setting, current[setting.Name])));
            }

            await list.CheckAsync("archiver", async () => DescribeArchiver(await session.ReadArchiverAsync(cancellation)));
            foreach (var (name, check) in service.Settings.Wal.Stream.IsOn ? new StreamChecks(service, session).All() : [])
            {
                await list.CheckAsync(name, () => check(cancellation));
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
}
