using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Operations.Groups;

/// <summary>The kinds of service that the restore of a group can bring back in place: the one place a new kind is added.</summary>
public static class ComponentRestores
{
    /// <summary>What restores a service; it owns the service.</summary>
    /// <param name="service">The service.</param>
    /// <param name="restoreCommand">Writes the restore_command of a restored cluster.</param>
    public static IComponentRestore Open(OpenedService service, Func<PostgresService, RestorePlan, string> restoreCommand) => service switch
    {
        PostgresService postgres => new ClusterComponent(postgres, restoreCommand),
        FilesService files => new FilesComponent(files),
        DumpService { Settings: PostgresDumpSettings settings } dumps => new PostgresDumpComponent(dumps, settings),
        DumpService { Settings: MysqlSettings settings } dumps => new MysqlComponent(dumps, settings),
        DumpService { Settings: RedisSettings } dumps => new RedisComponent(dumps),
        DumpService { Settings: MongodbSettings settings } dumps => new CopyingComponent(dumps, new MongodbCopies(dumps, settings)),
        DumpService { Settings: QdrantSettings settings } dumps => new CopyingComponent(dumps, new QdrantCopies(dumps, settings)),
        _ => throw new ArgumentException($"no restore in place of kind {service?.Kind}", nameof(service)),
    };
}
