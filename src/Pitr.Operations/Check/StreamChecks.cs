using System.Globalization;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Operations.Streaming;
using Pitr.Postgres.Replication;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Check;

/// <summary>What streaming needs of the server, each with a name and a way to find out; for services with <c>wal.stream</c>.</summary>
sealed class StreamChecks(PostgresService service, PostgresSession session)
{
    string Slot => service.Settings.Wal.Stream.Slot;

    /// <summary>The checks. Each gives what it found, or throws what is wrong.</summary>
    public IEnumerable<(string Name, Func<CancellationToken, Task<string>> Check)> All()
    {
        yield return ("replication", ConnectAsync);
        yield return ("replication slot", LookAtSlotAsync);
        yield return ("synchronous commit", LookAtCommitAsync);
    }

    async Task<string> ConnectAsync(CancellationToken cancellation)
    {
        await using var server = await StreamServer.ConnectAsync(service, cancellation);
        await using var receiver = await WalReceiver.OpenAsync(server.ConnectionString, Slot, cancellation);
        var (_, timeline, flushed) = await receiver.IdentifyAsync(cancellation);
        return $"{server} lets replication in; timeline {timeline}, WAL until {flushed}";
    }

    async Task<string> LookAtSlotAsync(CancellationToken cancellation)
    {
        var settings = await session.ReadSettingsAsync("max_slot_wal_keep_size", "max_replication_slots");
        var limit = settings["max_slot_wal_keep_size"].Value;
        var kept = limit == "-1" ? "no limit (max_slot_wal_keep_size): while repositories are away pg_wal grows" : $"at most {limit} MB of WAL are kept for it";
        if (await ReplicationSlots.FindAsync(session, Slot, cancellation) is not { } slot)
        {
            return settings["max_replication_slots"].Value == "0"
                ? throw new ImpossiblePlanException("max_replication_slots is 0", "ALTER SYSTEM SET max_replication_slots = 10; then restart PostgreSQL")
                : $"{Slot} does not exist yet: `pitr agent` makes it; {kept}";
        }

        StreamSlot.RequireUsable(slot);
        var status = await ReplicationSlots.ReadStatusAsync(session, Slot, cancellation);
        var bytes = (status?.RetainedBytes ?? 0).ToString("N0", CultureInfo.InvariantCulture);
        return slot.ActivePid is { } process
            ? $"{Slot} is in use by process {process} of the server, {bytes} bytes behind; {kept}"
            : throw new ImpossiblePlanException(
                $"nobody streams from {Slot}, and the server keeps {bytes} bytes of WAL for it",
                $"start `pitr agent` and look at its log; a service that is not streamed any more must not keep its slot: SELECT pg_drop_replication_slot('{Slot}')");
    }

    async Task<string> LookAtCommitAsync(CancellationToken cancellation)
    {
        var settings = await session.ReadSettingsAsync(["synchronous_standby_names", "synchronous_commit"], cancellation);
        var (names, commit) = (settings["synchronous_standby_names"].Value, settings["synchronous_commit"].Value);
        if (!names.Contains(Slot, StringComparison.Ordinal) && !names.Contains('*', StringComparison.Ordinal))
        {
            return $"commits do not wait for the stream: a server that is lost may take the last {service.Settings.Wal.Stream.Delay.TotalSeconds:0.###} s with it. For none, name the stream: ALTER SYSTEM SET synchronous_standby_names = '{Slot}'";
        }

        return commit switch
        {
            "on" => $"synchronous_standby_names is '{names}': a commit that waits for {Slot} is in the repositories",
            "remote_apply" => throw Wrong(commit, "the stream applies nothing, so commits that wait for it never end"),
            "remote_write" => throw Wrong(commit, "commits are acknowledged before they are in a repository"),
            _ => throw Wrong(commit, "commits do not wait, whatever synchronous_standby_names says"),
        };
    }

    static ImpossiblePlanException Wrong(string value, string why) => new(
        $"synchronous_commit is {value}: {why}", "ALTER SYSTEM SET synchronous_commit = on; then SELECT pg_reload_conf()");
}
