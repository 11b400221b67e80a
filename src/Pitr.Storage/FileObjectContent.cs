namespace Pitr.Storage;

/// <summary>Content of a file outside the repository.</summary>
sealed class FileObjectContent : ObjectContent
{
    readonly string _path;

    public FileObjectContent(string path)
    {
        var file = new FileInfo(path);
        _path = file.FullName;
        // Throws FileNotFoundException where there is nothing.
        Length = file.Length;
    }

    public override long Length { get; }

    internal override bool IsAtHand => true;

    public override Stream OpenRead() => new FileStream(_path, new FileStreamOptions
    {
        Mode = FileMode.Open,
        Access = FileAccess.Read,
        Share = FileShare.ReadWrite | FileShare.Delete,
        Options = FileOptions.SequentialScan,
        BufferSize = 0,
    });
}
