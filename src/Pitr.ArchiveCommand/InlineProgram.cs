using System.Runtime.InteropServices;
using System.Text;

namespace Pitr.ArchiveCommand;

/// <summary>
/// Becomes <c>pitr wal push|get</c>, which does without an agent what the agent would have done. The process is replaced, so signals and
/// exit codes pass between PostgreSQL and pitr with nothing in between.
/// </summary>
static unsafe class InlineProgram
{
    const string Name = "pitr";

    /// <summary>Returns only if pitr could not be started.</summary>
    /// <param name="line">The command line; its path is passed on as given, the current directory stays the same.</param>
    /// <param name="tried">What was tried, for the error message.</param>
    /// <returns>errno of the last attempt.</returns>
    internal static int Become(CommandLine line, out string tried)
    {
        var arguments = Arguments(line);
        var named = line.Program ?? ProcessEnvironment.Get("PITR_PROGRAM");
        if (named is not null && named.Contains('/', StringComparison.Ordinal))
        {
            tried = $"\"{named}\"";
            return Execute(named, arguments);
        }

        tried = $"\"{named ?? Name}\" in PATH";
        if (named is null && Beside() is { } beside)
        {
            var errno = Execute(beside, arguments);
            if (!MeansAbsent(errno))
            {
                tried = $"\"{beside}\"";
                return errno;
            }

            tried = $"\"{beside}\" and {tried}";
        }

        return ExecuteFromPath(named ?? Name, arguments);
    }

    static string[] Arguments(CommandLine line)
    {
        List<string> arguments = [Name];
        if (line.Config is { } config)
        {
            arguments.Add("--config");
            arguments.Add(config);
        }

        arguments.Add("wal");
        arguments.Add(line.Verb == ArchiveVerb.Push ? "push" : "get");
        arguments.Add(line.Service);
        if (line.Verb == ArchiveVerb.Get)
        {
            arguments.Add(line.File);
        }

        arguments.Add(line.Path);
        if (line.Repositories is { } repositories)
        {
            arguments.Add("--repository");
            arguments.Add(repositories);
        }

        if (line.Standby)
        {
            arguments.Add("--standby");
        }

        return [.. arguments];
    }

    /// <summary>pitr in the directory of this program's real path, so that a symbolic link to pitr-archive is enough.</summary>
    static string? Beside()
    {
        const int size = 4096;
        var buffer = stackalloc byte[size];
        var length = Libc.readlink("/proc/self/exe", buffer, size);
        if (length is <= 0 or size)
        {
            return null;
        }

        var self = Encoding.UTF8.GetString(buffer, (int)length);
        return string.Concat(self.AsSpan(0, self.LastIndexOf('/') + 1), Name);
    }

    /// <summary>
    /// Not execvp(3): that hands a file which is no program, say an empty one left by a full disk, to a shell, and the shell's exit code 0
    /// would acknowledge the segment. Relative entries are passed over too, as the current directory is PostgreSQL's data directory.
    /// </summary>
    static int ExecuteFromPath(string name, string[] arguments)
    {
        var path = ProcessEnvironment.Get("PATH") ?? "/usr/local/bin:/usr/bin:/bin";
        var last = Libc.ENOENT;
        foreach (var directory in path.Split(':'))
        {
            if (!directory.StartsWith('/'))
            {
                continue;
            }

            var errno = Execute($"{directory}/{name}", arguments);
            if (!MeansAbsent(errno))
            {
                return errno;
            }

            last = errno == Libc.EACCES ? errno : last;
        }

        return last;
    }

    static bool MeansAbsent(int errno) => errno is Libc.ENOENT or Libc.ENOTDIR or Libc.EACCES;

    static int Execute(string path, string[] arguments)
    {
        var vector = stackalloc byte*[arguments.Length + 1];
        for (var i = 0; i < arguments.Length; i++)
        {
            vector[i] = (byte*)Marshal.StringToCoTaskMemUTF8(arguments[i]);
        }

        vector[arguments.Length] = null;
        Libc.execv(path, vector);
        var errno = Marshal.GetLastPInvokeError();
        for (var i = 0; i < arguments.Length; i++)
        {
            Marshal.FreeCoTaskMem((nint)vector[i]);
        }

        return errno;
    }
}
