using Pitr.Storage.File;
using Pitr.Storage.Ftp;
using Pitr.Storage.S3;
using Pitr.Storage.Sftp;

namespace Pitr.Storage;

/// <summary>Turns the options of a repository into its driver. Registration is this list, nothing is discovered at run time.</summary>
public static class ObjectStoreFactory
{
    /// <summary>Makes the driver. Nothing is opened, started or asked yet.</summary>
    /// <param name="name">The repository's name in the configuration, for messages.</param>
    /// <param name="options">Where it is and how it is reached.</param>
    /// <param name="clock">The clock of timeouts, and by which leftovers are judged old.</param>
    /// <exception cref="ArgumentException">An option cannot be used; the message names it.</exception>
    public static IObjectStore Open(string name, StoreOptions options, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        return options switch
        {
            FileStoreOptions file => new FileObjectStore(name, file.Directory, clock),
            S3Options s3 => new S3ObjectStore(name, s3, clock),
            SftpOptions sftp => new SftpObjectStore(name, sftp, clock),
            FtpOptions ftp => new FtpObjectStore(name, ftp, clock),
            _ => throw new ArgumentException($"no driver takes {options.GetType().Name}", nameof(options)),
        };
    }
}
