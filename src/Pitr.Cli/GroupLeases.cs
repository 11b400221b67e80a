using Pitr.Operations.Groups;
using Pitr.Operations.Services;

namespace Pitr.Cli;

/// <summary>
/// Keeps two runs over a group from overlapping: on this host by a lock, between hosts by a lease on each service in the repositories that answer. Disposing gives them back.
/// </summary>
sealed class GroupLeases : IAsyncDisposable
{
    const string Group = "group";
    const string Backup = "backup";

    readonly GroupLock _lock;
    readonly List<OpenedService> _services = [];
    readonly List<RepositoryLease> _leases = [];
    CancellationTokenSource? _lost;

    GroupLeases(GroupLock held) => _lock = held;

    /// <summary>Cancelled when the work is, or when another host took a lease over.</summary>
    public CancellationToken Token => _lost!.Token;

    /// <summary>Takes the lock of this host alone.</summary>
    /// <param name="context">The command.</param>
    /// <param name="action">What it is taken for.</param>
    /// <exception cref="Pitr.Operations.Errors.BusyException">Another run holds it.</exception>
    public static GroupLock Lock(CommandContext context, string action) => GroupLock.Take(context.Configuration.StateDirectory, action, CommandContext.Clock);

    /// <summary>Takes the lock and the leases.</summary>
    /// <param name="context">The command.</param>
    /// <param name="action">What they are taken for.</param>
    /// <param name="services">The services.</param>
    /// <param name="againstBackups">Whether backups of the services are kept from beginning as well: what is half restored must not become the newest backup.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="Pitr.Operations.Errors.BusyException">Somebody else holds one.</exception>
    public static async Task<GroupLeases> TakeAsync(CommandContext context, string action, IReadOnlyList<string> services, bool againstBackups, CancellationToken cancellation)
    {
        var taken = new GroupLeases(Lock(context, action));
        try
        {
            foreach (var name in services)
            {
                var service = context.OpenAnyService(name);
                taken._services.Add(service);
                taken._leases.Add(await RepositoryLease.AcquireOnAnsweringAsync(service, Group, cancellation));
                if (againstBackups)
                {
                    taken._leases.Add(await RepositoryLease.AcquireOnAnsweringAsync(service, Backup, cancellation));
                }
            }

            taken._lost = CancellationTokenSource.CreateLinkedTokenSource([cancellation, .. taken._leases.Select(lease => lease.Lost)]);
            return taken;
        }
        catch
        {
            await taken.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var lease in _leases)
        {
            await lease.DisposeAsync();
        }

        foreach (var service in _services)
        {
            await service.DisposeAsync();
        }

        _lost?.Dispose();
        _lock.Dispose();
    }
}
