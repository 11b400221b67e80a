using System.Globalization;
using System.Xml;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Dumps.Mysql;
using Pitr.Operations.Scratch;
using Pitr.Postgres;

namespace Pitr.Operations.Drill.Dumps;

/// <summary>
/// A MariaDB or MySQL server, whichever was dumped, with an empty data directory and no option file: no network, no binary log, no replication, no scheduled events, no files outside
/// of its directory.
/// </summary>
/// <param name="settings">The service.</param>
/// <param name="space">Where the server goes.</param>
sealed class MysqlScratch(MysqlSettings settings, ScratchSpace space) : IScratchServer
{
    const string MariaDb = "MariaDB";
    const string DocumentStart = "<?xml ";
    const int MostNamed = 5;

    readonly List<TableRows> _tables = [];
    string _program = "";
    string? _installer;
    ScratchProcess? _process;
    MysqlTools? _tools;
    MysqlTarget? _target;

    /// <inheritdoc/>
    public IDumpTarget Target => _target ??= new MysqlTarget(Reached);

    /// <inheritdoc/>
    public DumpSelection Selection { get; } = new(null, null);

    /// <inheritdoc/>
    public IReadOnlyList<TableRows> Tables => _tables;

    string Socket => Path.Combine(space.Sockets, "mysqld.sock");

    MysqlSettings Reached => settings with { Server = new NetworkPlace("localhost", MysqlSettings.DefaultPort, Socket), User = "root", Password = null, OptionFile = null };

    MysqlTools Tools => _tools ?? throw new InvalidOperationException("the server is not made yet");

    /// <inheritdoc/>
    public async Task FindAsync(DumpManifest manifest, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        if (manifest.Product == MariaDb)
        {
            const string package = "mariadb-server on Debian and Ubuntu";
            _program = ToolFinder.FindServer(["mariadbd", "mysqld"], settings.BinDirectory, package);
            _installer = ToolFinder.FindServer(["mariadb-install-db", "mysql_install_db"], settings.BinDirectory, package);
        }
        else
        {
            _program = ToolFinder.FindServer(["mysqld"], settings.BinDirectory, "mysql-server, or mysql-community-server of MySQL's own packages (Debian's default-mysql-server is MariaDB)");
        }

        _tools = new MysqlTools(Reached);
        var (_, output, _) = await ToolRun.RunAsync(_program, ["--no-defaults", "--version"], _ => { }, cancellation);
        // "mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)"
        var version = output.Split(' ', StringSplitOptions.RemoveEmptyEntries).SkipWhile(word => word != "Ver").Skip(1).FirstOrDefault()
            ?? throw new ServerException($"{_program} does not say which version it is: {output.Trim()}");
        DumpChoice.RequireNotNewer(manifest, version.Contains(MariaDb, StringComparison.OrdinalIgnoreCase) ? MariaDb : "MySQL", version, _program);
    }

    /// <inheritdoc/>
    public async Task MakeAsync(CancellationToken cancellation)
    {
        string[] common = ["--no-defaults", $"--datadir={space.Data}", $"--tmpdir={space.Root}"];
        if (_installer is { } installer)
        {
            await ScratchProcess.RunAsync(installer, [.. common, "--skip-test-db", "--auth-root-authentication-method=normal"], space.Root, space.Log, cancellation);
        }
        else
        {
            Directory.CreateDirectory(space.Data);
            await ScratchProcess.RunAsync(_program, [.. common, "--initialize-insecure"], space.Root, space.Log, cancellation);
        }

        // loose: what a version does not know is no error.
        _process = ScratchProcess.Start(
            _program,
            [
                .. common, $"--socket={Socket}", $"--pid-file={Path.Combine(space.Root, "pid")}", "--skip-networking", "--skip-log-bin", "--loose-skip-slave-start", "--loose-mysqlx=OFF",
                "--event-scheduler=OFF", $"--secure-file-priv={space.Root}", "--local-infile=0", "--max-allowed-packet=1G",
            ],
            space.Data,
            space.Log);
        await _process.WaitUntilAsync(async token => (await Tools.ReadServerAsync(token)).Version.Length > 0, cancellation);
    }

    /// <inheritdoc/>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        await Tools.ReadServerAsync(cancellation);
        // Dumps hold no accounts, and a view whose definer is missing does not answer. Nobody can log in as one of these.
        foreach (var definer in await Tools.ReadDefinersAsync(cancellation))
        {
            await Tools.ExecuteAsync($"CREATE USER IF NOT EXISTS {definer} ACCOUNT LOCK; GRANT ALL ON *.* TO {definer}", cancellation);
        }
    }

    /// <inheritdoc/>
    public async Task<string> DescribeAsync(CancellationToken cancellation)
    {
        var (product, version, _) = await Tools.ReadServerAsync(cancellation);
        return $"{product} {version}";
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ServerCount>> CountAsync(DumpStreamRecord stream, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Tools.CountAsync(stream.Database!, cancellation);
    }

    /// <inheritdoc/>
    public async Task<string> ReadTablesAsync(string database, CancellationToken cancellation)
    {
        var (failures, rows, tables) = (new List<string>(), 0L, await Tools.ReadTablesAsync(database, cancellation));
        foreach (var table in tables)
        {
            try
            {
                var counted = await Tools.CountRowsAsync(database, table, cancellation);
                rows += counted;
                _tables.Add(new TableRows(database, table, counted));
            }
            catch (ServerException e)
            {
                failures.Add($"{table}: {e.Message}");
            }
        }

        return failures.Count == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{tables.Count} tables read, {rows} rows")
            : throw new ServerException($"{failures.Count} of {tables.Count} tables cannot be read: {string.Join("; ", failures.Take(MostNamed))}{(failures.Count > MostNamed ? "; …" : "")}");
    }

    /// <inheritdoc/>
    public async Task<SqlAnswer> AskAsync(SqlCheckSettings check, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(check);
        return Read(await Tools.AskXmlAsync(check.Database, check.Sql, cancellation));
    }

    /// <inheritdoc/>
    public string Reason(Exception e) => _process?.Reason(e) ?? e.Message;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            await process.DisposeAsync();
        }
    }

    // The client writes bytes as they are; in XML control characters must be references, and lone carriage returns would become line ends.
    static string Escaped(string xml) => !xml.Any(IsControl) ? xml : string.Concat(xml.Select(c => IsControl(c) ? string.Create(CultureInfo.InvariantCulture, $"&#x{(int)c:x};") : c.ToString()));

    static bool IsControl(char c) => c < ' ' && c is not ('\t' or '\n');

    /// <summary>Reads what the client writes with <c>--xml</c>: a document for each statement that gives rows.</summary>
    internal static SqlAnswer Read(string output)
    {
        // In a value the sign would be an entity.
        var start = output.IndexOf(DocumentStart, StringComparison.Ordinal);
        if (start < 0)
        {
            return new SqlAnswer(0, 0, null);
        }

        var next = output.IndexOf(DocumentStart, start + 1, StringComparison.Ordinal);
        var (columns, rows, value) = (0, 0L, (string?)null);
        using var reader = XmlReader.Create(
            new StringReader(Escaped(next < 0 ? output[start..] : output[start..next])), new XmlReaderSettings { CheckCharacters = false, DtdProcessing = DtdProcessing.Prohibit });
        while (reader.Read())
        {
            if (reader is { NodeType: XmlNodeType.Element, Name: "row" })
            {
                rows++;
            }
            else if (reader is { NodeType: XmlNodeType.Element, Name: "field" } && rows == 1 && ++columns == 1)
            {
                value = reader.GetAttribute("xsi:nil") == "true" ? null : reader.ReadElementContentAsString();
            }
        }

        // Of an empty result nobody can tell the columns; that it has some, its document says.
        return new SqlAnswer(Math.Max(1, columns), rows, value, IsSeveral: next >= 0);
    }
}
