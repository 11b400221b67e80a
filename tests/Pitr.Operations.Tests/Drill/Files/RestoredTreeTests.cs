using Pitr.Format.Catalog;
using Pitr.Operations.Drill;
using Pitr.Operations.Drill.Files;
using Pitr.Operations.Files;
using Pitr.Operations.Tests.Files;

namespace Pitr.Operations.Tests.Drill.Files;

/// <summary>A restored tree in which something was changed: every kind of difference is found.</summary>
public sealed class RestoredTreeTests
{
    [Theory]
    [InlineData("pass", "", "", "")]
    [InlineData("set('large', 2000000, b'?')", "", "", "large is not what was decrypted")]
    [InlineData("set('large', 0, b'?')", "", "", "large is not what was decrypted")]
    [InlineData("set('sparse', 500000, b'?')", "", "", "sparse is not what was decrypted")]
    [InlineData("swap()", "", "", "large is not what was decrypted")]
    [InlineData("os.truncate('a', 3); os.utime('a', ns=(1, 1000000000))", "bytes: ", "a has 3 bytes instead of 5", "a is not what was decrypted")]
    [InlineData("os.unlink('a')", "further names: 0, but the backup has 1", "a is not there: No such file", "a cannot be opened: No such file")]
    [InlineData("open('new', 'w')", "files: 5, but the backup has 4", "", "")]
    [InlineData("os.mkdir('new'); os.utime('.', ns=(1, t))", "directories: ", "", "")]
    [InlineData("os.chmod('a', 0o600)", "", "a has mode 0600 instead of 0644", "")]
    [InlineData("os.utime('a', ns=(1, 1000000001))", "", "a has another time of the last write", "")]
    [InlineData("os.unlink('link'); os.symlink('/elsewhere', 'link')", "", "link points elsewhere", "")]
    [InlineData("os.unlink('further'); open('further', 'w').write('hello')", "further names: 0, but the backup has 1", "further is not the file ", "")]
    [InlineData("os.unlink('fifo'); os.mkdir('fifo')", "pipes and devices: 0", "fifo is something else than in the backup", "")]
    [InlineData("os.unlink('a'); os.symlink('large', 'a')", "symbolic links: 2", "a is something else", "a cannot be opened")]
    [InlineData("os.removexattr('a', 'user.comment')", "", "1 extended attributes are not as in the backup", "")]
    public async Task What_is_not_as_in_the_backup_is_found(string change, string counts, string status, string content)
    {
        await using var scenario = await FilesScenario.StartAsync();
        FilesScenario.Python(
            """
            import os, sys
            os.umask(0o022)
            os.chdir(sys.argv[1])
            open('a', 'w').write('hello')
            open('large', 'wb').write(os.urandom(3 << 20))
            open('other', 'wb').write(os.urandom(3 << 20))
            with open('sparse', 'wb') as f:
                f.write(b'x' * 10)
                f.truncate(1 << 20)
            os.symlink('/etc/passwd', 'link')
            os.link('a', 'further')
            os.mkfifo('fifo')
            os.setxattr('a', 'user.comment', b'x')
            for name in ('a', 'large', 'other', 'sparse'):
                os.utime(name, ns=(1, 1000000000))
            """, scenario.Tree);
        var backup = await scenario.BackupAsync();
        var digests = new ContentDigests();
        var service = scenario.Open();
        var restored = await new FilesRestore(service, backup, new FilesRestoreRequest(PathSelection.Parse([]), scenario["to"], NumericOwners: false)) { Digests = digests }.RunAsync(null, default);
        FilesScenario.Python(
            """
            import os, sys
            os.chdir(sys.argv[1])
            t = os.stat('.').st_mtime_ns
            def set(name, at, what):
                with open(name, 'r+b') as f:
                    f.seek(at)
                    f.write(what)
                os.utime(name, ns=(1, 1000000000))
            def swap():
                os.rename('large', 'x')
                os.rename('other', 'large')
                os.rename('x', 'other')
            exec(sys.argv[2])
            os.utime('.', ns=(1, t))
            """, scenario.Restored(scenario["to"]), change);

        using var manifest = await StoredManifest.OpenAsync(service, backup, default);
        using var plan = TreePlan.Read(manifest, PathSelection.Parse([]), service.StateDirectory, default);
        using var root = OpenDirectory.OpenRoot();
        using var to = OpenDirectory.Open(root, [.. System.Text.Encoding.UTF8.GetBytes(scenario["to"]), 0]);
        var (statusFindings, contentFindings) = (new Findings(), new Findings());
        new RestoredStatus(plan, to, restored, statusFindings).Compare(default);
        await new RestoredContent(plan, to, digests, contentFindings).CompareAsync(2, 0, null, default);
        var found = TreeCounts.Of(new RestoredWalk(scenario["to"]), default);

        Assert.Empty(TreeCounts.Of(plan, default).Differences(TreeCounts.Of(backup), "entry"));
        Must(counts, string.Join("; ", found.Differences(TreeCounts.Of(plan, default), "the backup")));
        Must(status, Text(statusFindings));
        Must(content, Text(contentFindings));

        static string Text(Findings findings) => findings.ToCheck("", "").Detail;

        static void Must(string expected, string said)
        {
            if (expected.Length == 0)
            {
                Assert.Equal("", said);
            }
            else
            {
                Assert.Contains(expected, said, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Digests_are_the_same_in_whatever_order_pieces_come_and_not_when_they_are_exchanged()
    {
        byte[][] pieces = ["one"u8.ToArray(), "two"u8.ToArray(), "three"u8.ToArray()];

        Assert.Equal(Sum((0, pieces[0]), (3, pieces[1]), (6, pieces[2])), Sum((6, pieces[2]), (0, pieces[0]), (3, pieces[1])));
        Assert.NotEqual(Sum((0, pieces[0]), (3, pieces[1])), Sum((0, pieces[1]), (3, pieces[0])));
        Assert.NotEqual(Sum((0, pieces[0])), Sum((0, pieces[0]), (0, pieces[0])));

        static UInt128 Sum(params (long Offset, byte[] Bytes)[] added)
        {
            var digests = new ContentDigests();
            digests.Begin(2);
            foreach (var (offset, bytes) in added)
            {
                digests.Add(1, offset, bytes);
            }

            Assert.Equal(UInt128.Zero, digests[0]);
            return digests[1];
        }
    }

    [Fact]
    public void What_lacks_something_names_five_and_says_how_many()
    {
        var findings = new Findings();
        for (var i = 0; i < 7; i++)
        {
            findings.Add($"{i}");
        }

        Assert.Equal(new DrillCheck("n", false, "0; 1; 2; 3; 4; and 2 more"), findings.ToCheck("n", "good"));
    }
}
