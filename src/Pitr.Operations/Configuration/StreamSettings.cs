namespace Pitr.Operations.Configuration;

/// <summary>What of the <c>wal</c> section is about streaming.</summary>
/// <param name="IsOn"><c>stream</c>: the agent receives WAL as it is written. Default false.</param>
/// <param name="Slot"><c>slot</c>: the physical replication slot, which is also the application name that <c>synchronous_standby_names</c> knows. Default: <see cref="SlotOf"/>.</param>
/// <param name="Delay"><c>stream-delay</c>: how long WAL is collected before it is stored while no commit waits for it. Default 1 s.</param>
public sealed record StreamSettings(bool IsOn, string Slot, TimeSpan Delay)
{
    /// <summary>Longest name of a slot (NAMEDATALEN - 1 of PostgreSQL src/include/pg_config_manual.h).</summary>
    public const int LongestSlot = 63;

    /// <summary>What applies when the configuration says nothing.</summary>
    public static StreamSettings Default { get; } = new(false, "pitr", TimeSpan.FromSeconds(1));

    /// <summary>The slot of a service that names none: <c>pitr_</c> and the service's name, with <c>_</c> for what slots may not have in theirs.</summary>
    public static string SlotOf(string service)
    {
        var name = "pitr_" + string.Concat(service.Select(c => IsSlotCharacter(c) ? c : '_'));
        return name.Length <= LongestSlot ? name : name[..LongestSlot];
    }

    /// <summary>Lower-case letters, digits and the underscore (ReplicationSlotValidateName() of PostgreSQL src/backend/replication/slot.c).</summary>
    public static bool IsSlotName(string text) => text.Length is >= 1 and <= LongestSlot && text.All(IsSlotCharacter);

    static bool IsSlotCharacter(char c) => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_';
}
