namespace Pitr.Format.Manifests;

/// <summary>What a manifest entry is.</summary>
public enum ManifestEntryKind
{
    Directory,

    File,

    /// <summary>A symbolic link: a tablespace link below pg_tblspc, or a directory that an administrator moved.</summary>
    Link,

    /// <summary>Another name of a file of the same manifest, in backups of kind files.</summary>
    HardLink,

    /// <summary>A named pipe, a socket or a device, in backups of kind files.</summary>
    Special,
}
