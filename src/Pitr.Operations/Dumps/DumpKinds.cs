using Pitr.Operations.Configuration;
using Pitr.Operations.Drill.Dumps;
using Pitr.Operations.Dumps.Mongodb;
using Pitr.Operations.Dumps.Mysql;
using Pitr.Operations.Dumps.Postgres;
using Pitr.Operations.Dumps.Qdrant;
using Pitr.Operations.Dumps.Redis;
using Pitr.Operations.Errors;
using Pitr.Operations.Scratch;

namespace Pitr.Operations.Dumps;

/// <summary>The kinds of service whose backups are dumps: the one place a new kind is added.</summary>
public static class DumpKinds
{
    /// <summary>What takes the dumps of a service.</summary>
    /// <param name="settings">The service.</param>
    /// <param name="stateDirectory">This host's private files for it.</param>
    public static IDumpSource Source(DumpServiceSettings settings, string stateDirectory) => settings switch
    {
        PostgresDumpSettings postgres => new PostgresDumpSource(postgres),
        MysqlSettings mysql => new MysqlSource(mysql),
        RedisSettings redis => new RedisSource(redis),
        MongodbSettings mongodb => new MongodbSource(mongodb),
        QdrantSettings qdrant => new QdrantSource(qdrant, stateDirectory),
        _ => throw new ArgumentException($"no dumps of kind {settings?.Kind}", nameof(settings)),
    };

    /// <summary>What brings them back.</summary>
    /// <param name="settings">The service.</param>
    /// <param name="asFiles">Whether into a directory instead of the service's server.</param>
    public static IDumpTarget Target(DumpServiceSettings settings, bool asFiles) => asFiles ? new DumpFilesTarget() : settings switch
    {
        PostgresDumpSettings postgres => new PostgresDumpTarget(postgres),
        MysqlSettings mysql => new MysqlTarget(mysql),
        RedisSettings => new DumpFilesTarget(),
        MongodbSettings mongodb => new MongodbTarget(mongodb),
        QdrantSettings qdrant => new QdrantTarget(qdrant),
        _ => throw new ArgumentException($"no dumps of kind {settings?.Kind}", nameof(settings)),
    };

    /// <summary>What drills bring them back into.</summary>
    /// <exception cref="RefusedInputException">There are no drills of this kind.</exception>
    internal static IScratchServer Scratch(DumpServiceSettings settings, ScratchSpace space) => settings switch
    {
        PostgresDumpSettings postgres => new PostgresScratch(postgres, space),
        MysqlSettings mysql => new MysqlScratch(mysql, space),
        RedisSettings redis => new RedisScratch(redis, space),
        _ => throw new RefusedInputException($"there are no drills of kind {settings.Kind} in this version", "restore the dump into a server of its own, and look"),
    };
}
