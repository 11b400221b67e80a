using Pitr.Operations.Services;
using Serilog;

namespace Pitr.Operations.Scratch;

/// <summary>What scratch space has to know of the service that it is for.</summary>
/// <param name="Name">Name of the service.</param>
/// <param name="StateDirectory">This host's private files for it.</param>
/// <param name="Log">Told what was cleared away.</param>
public sealed record ScratchOwner(string Name, string StateDirectory, ILogger Log)
{
    public static implicit operator ScratchOwner(OpenedService service) => FromService(service);

    /// <summary>That of an opened service.</summary>
    public static ScratchOwner FromService(OpenedService service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return new(service.Name.Value, service.StateDirectory, service.Log);
    }
}
