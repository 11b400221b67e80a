namespace Pitr.Postgres.BaseBackup;

public enum TarEntryKind
{
    Directory,
    File,

    /// <summary>A symbolic link: a tablespace in <c>pg_tblspc</c>, or a directory someone moved elsewhere.</summary>
    Link,
}
