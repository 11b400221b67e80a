using Pitr.Format.Layout;
using Pitr.Operations.Audit;
using Pitr.Operations.Services;

namespace Pitr.Cli;

/// <summary>Whose audit trail a record belongs to: a service's, or that of a repository as a whole.</summary>
/// <param name="Service">The service; null: a repository.</param>
/// <param name="Repository">The repository; null: a service.</param>
sealed record AuditPlace(string? Service, string? Repository)
{
    /// <summary>Does something with the trail.</summary>
    public async Task<T> UseAsync<T>(CommandContext context, Func<AuditTrail, Task<T>> use)
    {
        if (Service is not null)
        {
            await using var service = context.OpenAnyService(Service);
            return await use(new AuditTrail(service));
        }

        await using var alone = context.OpenAlone(Repository!);
        return await use(new AuditTrail(alone, service: null, context.Log));
    }
}
