namespace Pitr.Storage.S3;

/// <summary>What S3 allows, and what pitr allows itself; smaller in tests.</summary>
/// <param name="MaxParts">Parts of one upload (Amazon S3 User Guide, "multipart upload limits").</param>
/// <param name="MaxSinglePut">Bytes of a put without parts.</param>
/// <param name="MaxBufferedPart">Bytes of a part that is read into memory before it is sent; larger ones are streamed one after the other.</param>
/// <param name="Buffers">Bytes of all those buffers of one store.</param>
/// <param name="PageSize">Keys of a page of a listing (Amazon S3 API Reference, ListObjectsV2, "MaxKeys").</param>
sealed record S3Limits(int MaxParts, long MaxSinglePut, long MaxBufferedPart, long Buffers, int PageSize)
{
    public static S3Limits Default { get; } = new(10_000, S3Options.MaxSinglePut, 16L * 1024 * 1024, 16L * 1024 * 1024, 1000);
}
