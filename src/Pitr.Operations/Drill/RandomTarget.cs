using System.Globalization;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Operations.Window;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Drill;

/// <summary>
/// Chooses a moment that a service can be brought back to, each with the same probability: a gap cannot be hit, and a span is hit as often as it is long.
/// </summary>
static class RandomTarget
{
    /// <summary>Reads the window and chooses.</summary>
    /// <exception cref="ImpossiblePlanException">There is no moment to choose.</exception>
    public static async Task<RestoreRequest> ChooseAsync(PostgresService service, int seed, CancellationToken cancellation) =>
        Choose((await new RecoveryWindowReader(service).ReadAsync(cancellation)).Spans, seed) ?? throw new ImpossiblePlanException(
            $"there is no moment to choose: service {service.Name} has no backup with a commit archived after it",
            $"`pitr info {service.Name}` shows what can be recovered; --target latest needs no commit after the backup");

    /// <summary>Chooses a moment of these spans; null when they have none.</summary>
    /// <param name="spans">The recovery window.</param>
    /// <param name="seed">The same seed and the same spans give the same moment.</param>
    public static RestoreRequest? Choose(IReadOnlyList<RecoverySpan> spans, int seed)
    {
        // PostgreSQL ends recovery at a time only where it sees a later commit: the last moment of a span cannot be asked for, those before can.
        var lengths = spans.Select(span => Math.Max(0, (span.To - span.From).Ticks / TimeSpan.TicksPerMicrosecond)).ToArray();
        var total = lengths.Sum();
        if (total == 0)
        {
            return null;
        }

        // Not for secrets: it has to be repeatable.
        var chosen = new Random(seed).NextInt64(total);
        var index = 0;
        while (chosen >= lengths[index])
        {
            chosen -= lengths[index++];
        }

        return new RestoreRequest(
            RecoveryTarget.AtTime(spans[index].From.AddTicks(chosen * TimeSpan.TicksPerMicrosecond)),
            spans[index].Timeline.Value.ToString(CultureInfo.InvariantCulture));
    }
}
