namespace Pitr.Storage.S3;

/// <summary>How the bytes of a request are protected on their way. Either way the store refuses what arrives changed.</summary>
public enum S3ChecksumMode
{
    /// <summary>A signed <c>Content-MD5</c> with every object and part: understood by every store since 2006.</summary>
    WhenRequired,

    /// <summary>CRC-32 with every object and part, stored with it and checked again when a whole object is read. Amazon and newer stores.</summary>
    WhenSupported,
}
