using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Replication;

namespace Pitr.Operations.Streaming;

/// <summary>The replication slot of a service: made when there is none, looked at before it is used.</summary>
static class StreamSlot
{
    /// <summary>The slot, fit for use.</summary>
    /// <exception cref="Pitr.Postgres.ServerException">The server refused.</exception>
    /// <exception cref="BusyException">Somebody else uses it.</exception>
    /// <exception cref="ImpossiblePlanException">It cannot be used: logical, temporary, or its WAL is gone.</exception>
    public static async Task<ReplicationSlot> EnsureAsync(PostgresService service, StreamServer server, CancellationToken cancellation)
    {
        var name = service.Settings.Wal.Stream.Slot;
        var slot = await ReplicationSlots.FindAsync(server.Session, name, cancellation);
        if (slot is null)
        {
            await ReplicationSlots.CreateAsync(server.Session, name, cancellation);
            service.Log.Information("replication slot {Slot} was created on {Server}", name, server.Session.Server);
            slot = await ReplicationSlots.FindAsync(server.Session, name, cancellation) ?? throw new BusyException(
                $"replication slot {name} was dropped as soon as it was created", "does something on the server drop slots it does not know?");
        }

        RequireUsable(slot);
        return slot.ActivePid is null ? slot : throw Active(slot);
    }

    /// <summary>Refuses a slot that can never serve.</summary>
    /// <exception cref="ImpossiblePlanException">It cannot.</exception>
    public static void RequireUsable(ReplicationSlot slot)
    {
        if (!slot.IsPhysical || slot.IsTemporary)
        {
            throw new ImpossiblePlanException(
                $"replication slot {slot.Name} is {(slot.IsPhysical ? "temporary" : "logical")}; streaming needs a physical one of its own",
                "name another with wal.slot; pitr makes it");
        }

        if (slot.IsLost)
        {
            throw new ImpossiblePlanException(
                $"replication slot {slot.Name} has lost WAL that was not streamed yet (wal_status is lost): the server removed it, because more than max_slot_wal_keep_size was kept",
                $"SELECT pg_drop_replication_slot('{slot.Name}'); pitr makes it anew and goes on. Where archive_command has not archived what is missing, `pitr wal list` shows a gap: take a backup then. Raise max_slot_wal_keep_size");
        }
    }

    static BusyException Active(ReplicationSlot slot) => new(
        $"replication slot {slot.Name} is in use by process {slot.ActivePid} of the server: somebody else streams this service",
        "one agent streams a service: stop the other one, or give this service another wal.slot");
}
