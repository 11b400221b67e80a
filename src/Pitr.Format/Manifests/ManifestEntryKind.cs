namespace Pitr.Format.Manifests;

/// <summary>What a manifest entry is.</summary>
public enum ManifestEntryKind
{
    Directory,

    File,

    /// <summary>A symbolic link: a tablespace link below pg_tblspc, or a directory that an administrator moved.</summary>
    Link,
}
