namespace Pitr.Tests;

/// <summary>A program in Python that looks at a tree of files; its first argument says at which.</summary>
static class TreeFingerprint
{
    /// <summary>Prints everything that a file system can tell, in one line for each name; the same for two trees that are the same.</summary>
    public const string Script =
        """
        import hashlib, os, stat, sys
        root = os.fsencode(sys.argv[1])
        inodes = {}
        for directory, names, files in sorted(os.walk(root)):
            for path in [directory] + sorted(os.path.join(directory, f) for f in files + [n for n in names if os.path.islink(os.path.join(directory, n))]):
                s = os.lstat(path)
                what = [os.path.relpath(path, root), stat.filemode(s.st_mode), s.st_mtime_ns, s.st_uid, s.st_gid]
                if stat.S_ISREG(s.st_mode):
                    what += [s.st_size, hashlib.sha256(open(path, 'rb').read()).hexdigest(), inodes.setdefault(s.st_ino, len(inodes)), s.st_nlink]
                if stat.S_ISLNK(s.st_mode):
                    what += [os.readlink(path)]
                else:
                    what += [(name, os.getxattr(path, name)) for name in sorted(os.listxattr(path))]
                print(what)
        """;
}
