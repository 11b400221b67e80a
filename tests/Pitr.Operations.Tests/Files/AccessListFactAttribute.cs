namespace Pitr.Operations.Tests.Files;

/// <summary>A test of access control lists, which the file system of temporary files has to know.</summary>
public sealed class AccessListFactAttribute : FactAttribute
{
    /// <summary>Python that makes the attribute of one, as the kernel has it (include/uapi/linux/posix_acl_xattr.h): the rights of owner, user 1, group, mask and others.</summary>
    public const string List =
        """
        import os, struct, sys
        def entries(owner, user, group, mask, others):
            nobody = 0xffffffff
            return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *e) for e in [(1, owner, nobody), (2, user, 1), (4, group, nobody), (16, mask, nobody), (32, others, nobody)])

        """;

    static readonly string? Impossible = Try();

    public AccessListFactAttribute() => Skip = Impossible;

    static string? Try()
    {
        var directory = Directory.CreateTempSubdirectory("pitr-acl-");
        try
        {
            var said = FilesScenario.Python(
                List + "try:\n    os.setxattr(sys.argv[1], 'system.posix_acl_access', entries(7, 5, 5, 7, 0))\nexcept OSError as e:\n    print(e)\n", directory.FullName);
            return said.Length == 0 ? null : $"there are no access control lists in {Path.GetTempPath()}: {said.Trim()}";
        }
        finally
        {
            directory.Delete();
        }
    }
}
