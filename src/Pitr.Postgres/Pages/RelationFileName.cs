using System.Globalization;

namespace Pitr.Postgres.Pages;

/// <summary>
/// The path of a relation's file below the data directory: <c>base/5/16384_fsm.1</c>, <c>global/1262</c>,
/// <c>pg_tblspc/16385/PG_15_202209061/5/16390</c> (relpath.h, storage/file/reinit.c).
/// </summary>
/// <param name="Directory">The directory, without a slash at its end.</param>
/// <param name="Database">OID of the database; 0 for relations that all share.</param>
/// <param name="Number">The relation's file number.</param>
/// <param name="Fork">Which of its forks.</param>
/// <param name="Part">Which file of the fork, from 0.</param>
/// <param name="IsTemporary">Of a session's temporary relation.</param>
public readonly record struct RelationFileName(string Directory, uint Database, uint Number, RelationFork Fork, int Part, bool IsTemporary)
{
    const uint DefaultTablespace = 1663;
    const uint SharedTablespace = 1664;
    const string TablespaceRoot = "pg_tblspc/";

    /// <summary>OID of the tablespace it lies in (src/include/catalog/pg_tablespace.dat).</summary>
    public uint Tablespace => Directory == "global" ? SharedTablespace
        : !Directory.StartsWith(TablespaceRoot, StringComparison.Ordinal) ? DefaultTablespace
        : TryParseNumber(Directory.AsSpan(TablespaceRoot.Length, Directory.IndexOf('/', TablespaceRoot.Length) - TablespaceRoot.Length), out var oid) ? oid
        : throw new InvalidOperationException($"{Directory} is no directory of a tablespace");

    /// <summary>Reads a path; false for every file that is no relation's.</summary>
    public static bool TryParse(string path, out RelationFileName name)
    {
        name = default;
        var slash = path.LastIndexOf('/');
        if (slash < 0 || !TryParseDirectory(path.AsSpan(0, slash), out var database))
        {
            return false;
        }

        var file = path.AsSpan(slash + 1);
        var part = 0;
        if (file.LastIndexOf('.') is >= 0 and var dot)
        {
            if (!TryParseNumber(file[(dot + 1)..], out var number) || number is 0 or > int.MaxValue)
            {
                return false;
            }

            part = (int)number;
            file = file[..dot];
        }

        var temporary = file is ['t', ..];
        if (temporary)
        {
            // t<backend>_<number>
            if (file.IndexOf('_') is not (> 1 and var end) || !TryParseNumber(file[1..end], out _))
            {
                return false;
            }

            file = file[(end + 1)..];
        }

        var fork = RelationFork.Main;
        if (file.IndexOf('_') is >= 0 and var underscore)
        {
            switch (file[(underscore + 1)..])
            {
                case "fsm": fork = RelationFork.FreeSpaceMap; break;
                case "vm": fork = RelationFork.VisibilityMap; break;
                case "init": fork = RelationFork.Initial; break;
                default: return false;
            }

            file = file[..underscore];
        }

        if (!TryParseNumber(file, out var relation))
        {
            return false;
        }

        name = new RelationFileName(path[..slash], database, relation, fork, part, temporary);
        return true;
    }

    /// <summary>Whether files of relations lie in a directory.</summary>
    /// <param name="directory">Below the data directory.</param>
    /// <param name="database">Whose; 0 for those that all databases share.</param>
    public static bool TryParseDirectory(ReadOnlySpan<char> directory, out uint database)
    {
        database = 0;
        if (directory is "global")
        {
            return true;
        }

        var slash = directory.LastIndexOf('/');
        return slash > 0 && TryParseNumber(directory[(slash + 1)..], out database) && database > 0
            && (directory[..slash] is "base" || IsTablespaceVersion(directory[..slash]));
    }

    // pg_tblspc/16385/PG_15_202209061
    static bool IsTablespaceVersion(ReadOnlySpan<char> directory)
    {
        if (!directory.StartsWith(TablespaceRoot))
        {
            return false;
        }

        var rest = directory[TablespaceRoot.Length..];
        var slash = rest.IndexOf('/');
        return slash > 0 && TryParseNumber(rest[..slash], out _) && rest[(slash + 1)..].StartsWith("PG_") && !rest[(slash + 1)..].Contains('/');
    }

    static bool TryParseNumber(ReadOnlySpan<char> text, out uint number) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
