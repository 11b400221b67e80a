using Pitr.Operations.Archive;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Tests.Archive;

/// <summary>The file PostgreSQL reads from appears whole, in one step, as private as PostgreSQL's own.</summary>
public sealed class RecoveryFileTests : IDisposable
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // Mostly another file system than that of temporary files; where it is not, renaming works there too.
    readonly string _memory = Directory.CreateDirectory($"/dev/shm/pitr-{Guid.NewGuid():N}").FullName;
    readonly string _directory = Directory.CreateTempSubdirectory("pitr-recovery-file-").FullName;
    readonly SegmentMemoryPool _pool = new(0);

    string Destination => Path.Combine(_directory, "RECOVERYXLOG");

    public void Dispose()
    {
        _pool.Dispose();
        Directory.Delete(_memory, recursive: true);
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_prepared_file_is_put_in_place_also_from_another_file_system(bool same)
    {
        var prepared = Prepare(same ? _directory : _memory);
        var expected = File.ReadAllBytes(prepared);
        File.WriteAllText(Destination, "the segment before");

        RecoveryFile.Place(prepared, Destination, _pool);

        Assert.Equal(expected, File.ReadAllBytes(Destination));
        Assert.False(File.Exists(prepared));
        Assert.Equal([Destination], Directory.GetFiles(_directory));
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, Private)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute, Private | UnixFileMode.GroupRead)]
    public void Where_files_cannot_be_renamed_a_copy_has_the_mode_of_PostgreSQLs_own_files(UnixFileMode directory, UnixFileMode expected)
    {
        File.SetUnixFileMode(_directory, directory);
        var prepared = Prepare(_memory);

        RecoveryFile.Copy(prepared, Destination, _pool);

        Assert.Equal(File.ReadAllBytes(prepared), File.ReadAllBytes(Destination));
        Assert.Equal(expected, File.GetUnixFileMode(Destination));
    }

    [Fact]
    public void A_prepared_file_that_is_gone_is_no_segment()
    {
        Assert.Throws<FileNotFoundException>(() => RecoveryFile.Place(Path.Combine(_memory, "gone"), Destination, _pool));
        Assert.Empty(Directory.GetFiles(_directory));
    }

    [Fact]
    public void A_destination_that_cannot_be_written_is_named()
    {
        var destination = Path.Combine(_directory, "no-such-directory", "RECOVERYXLOG");

        var error = Assert.Throws<RefusedInputException>(() => RecoveryFile.Place(Prepare(_directory), destination, _pool));

        Assert.Contains(destination, error.Message, StringComparison.Ordinal);
    }

    static string Prepare(string directory)
    {
        var path = Path.Combine(directory, "prepared");
        File.WriteAllBytes(path, WalSample.Segment("000000010000000000000003"));
        File.SetUnixFileMode(path, Private);
        return path;
    }
}
