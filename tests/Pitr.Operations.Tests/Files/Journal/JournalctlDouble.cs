using System.Globalization;
using System.Text;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Files.Journal;

/// <summary>
/// A double of journalctl with a journal of its own: a script that exports the entries a test has written, begins at cursors as the real one does, and fails as told. What the real one does is shown end to end.
/// </summary>
sealed class JournalctlDouble
{
    /// <summary>When its first entry is of, less a second: microseconds since 1970.</summary>
    public static readonly long Start = DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeSeconds() * 1_000_000;

    const string Script =
        """
        #!/usr/bin/python3
        # A double of journalctl: not the real one.
        import os, re, signal, sys
        options, matches = {}, []
        for a in sys.argv[1:]:
            m = re.fullmatch(r'--([a-z-]+)(?:=(.*))?', a, re.S)
            if m: options.setdefault(m[1], []).append(m[2])
            elif a != '--': matches.append(a)
        if 'version' in options:
            print('systemd 252 (double)\n+PAM'); sys.exit(0)
        directory = options['directory'][0]
        open(directory + '/arguments', 'a').write(repr(sys.argv[1:]) + '\n')
        def read(name):
            try: return open(directory + '/' + name, 'rb').read()
            except FileNotFoundError: return b''
        told = read('told').decode().split(' ', 1)
        entries = [e for e in read('system.journal').split(b'\0\0END\n') if e]
        def key(e):
            m = re.match(rb'__CURSOR=s=([^;]*);i=([0-9a-f]+);t=([0-9a-f]+)', e)
            return m[1], int(m[2], 16), int(m[3], 16)
        if 'cursor' in options:
            c = key(b'__CURSOR=' + options['cursor'][0].encode())
            def behind(e):
                k = key(e)
                return k[1] >= c[1] if k[0] == c[0] else k[2] >= c[2]
            at = next((n for n, e in enumerate(entries) if behind(e)), len(entries))
            entries = entries[at:]
        for m in matches + ['SYSLOG_IDENTIFIER=' + i for i in options.get('identifier', [])]:
            entries = [e for e in entries if b'\n' + m.encode() + b'\n' in e]
        if 'lines' in options:
            entries = (entries if 'cursor' in options else entries[::-1])[:int(options['lines'][0])]
        for n, e in enumerate(entries):
            if told[0] == 'kill' and n == int(told[1]):
                sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)
            if told[0] == 'cut' and n == int(told[1]):
                sys.stdout.buffer.write(e[:-2]); sys.exit(0)
            sys.stdout.buffer.write(e)
        sys.stdout.flush()
        if told[0] == 'say': sys.stderr.write(told[1] + '\n')
        if told[0] == 'fail': sys.stderr.write(told[1] + '\n'); sys.exit(1)
        """;

    readonly string _bin;
    readonly List<byte[]> _entries = [];
    int _number;

    public JournalctlDouble(string root)
    {
        (Directory, _bin) = (Path.Combine(root, "journal"), Path.Combine(root, "bin"));
        System.IO.Directory.CreateDirectory(Directory);
        System.IO.Directory.CreateDirectory(_bin);
        var program = Path.Combine(_bin, "journalctl");
        File.WriteAllText(program, Script.ReplaceLineEndings("\n"));
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Write();
    }

    /// <summary>Where its journal is.</summary>
    public string Directory { get; }

    /// <summary>What a service is configured with.</summary>
    public JournalSettings Settings => new() { Directory = Directory, BinDirectory = _bin };

    /// <summary>The arguments of each call.</summary>
    public string Arguments => File.ReadAllText(Path.Combine(Directory, "arguments"));

    /// <summary>One entry as journalctl exports it; every third has a binary field.</summary>
    public static byte[] Entry(string sequence, int number, long time, string identifier = "a", string machine = "m1", string message = "text") =>
    [
        .. Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"__CURSOR=s={sequence};i={number:x};t={time:x}\n__REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP=1\n_MACHINE_ID={machine}\nSYSLOG_IDENTIFIER={identifier}\n")),
        .. number % 3 == 0 ? [.. "MESSAGE\n"u8, 9, 0, 0, 0, 0, 0, 0, 0, .. "a\n\nb\0=\n\xff"u8, (byte)'\n'] : Encoding.UTF8.GetBytes($"MESSAGE={message} {number}\n"),
        (byte)'\n',
    ];

    /// <summary>Adds entries, a second apart, and gives them.</summary>
    public byte[] Add(int count, string sequence = "s1", string identifier = "a", string machine = "m1", string message = "text")
    {
        var added = Enumerable.Range(0, count).Select(_ => Entry(sequence, ++_number, Start + (_number * 1_000_000L), identifier, machine, message)).ToList();
        _entries.AddRange(added);
        Write();
        return [.. added.SelectMany(entry => entry)];
    }

    /// <summary>Adds an entry as it is.</summary>
    public byte[] Add(byte[] entry)
    {
        _entries.Add(entry);
        Write();
        return entry;
    }

    /// <summary>Removes the oldest entries, as journald does when there are too many.</summary>
    public void Vacuum(int count)
    {
        _entries.RemoveRange(0, count);
        Write();
    }

    /// <summary>Tells it how to fail: <c>kill N</c>, <c>cut N</c>, <c>fail TEXT</c>, <c>say TEXT</c>; nothing: not at all.</summary>
    public void Tell(string how) => File.WriteAllText(Path.Combine(Directory, "told"), how);

    void Write() => File.WriteAllBytes(Path.Combine(Directory, "system.journal"), [.. _entries.SelectMany(entry => (byte[])[.. entry, .. "\0\0END\n"u8])]);
}
