using Pitr.Storage.File;
using Pitr.Storage.Ftp;
using Pitr.Storage.S3;
using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests;

public class ObjectStoreFactoryTests
{
    /// <summary>Options, the driver they are for, and where it says it is.</summary>
    public static TheoryData<StoreOptions, Type, string> Options => new()
    {
        { new FileStoreOptions("/mnt/with space/100%"), typeof(FileObjectStore), "file:///mnt/with%20space/100%25" },
        { new S3Options { Bucket = "company-backups", Prefix = "pitr" }, typeof(S3ObjectStore), "s3://company-backups/pitr" },
        { new SftpOptions { Host = "box.example.net", Path = "/pitr" }, typeof(SftpObjectStore), "sftp://box.example.net/pitr" },
        { new FtpOptions { Host = "box.example.net", User = "me", Password = "x", Path = "pitr" }, typeof(FtpObjectStore), "ftp://box.example.net:21/pitr" },
        {
            new FtpOptions { Host = "::1", User = "me", Password = "x", Path = "/pitr", Tls = FtpTlsMode.Implicit },
            typeof(FtpObjectStore),
            "ftps://[::1]:990//pitr"
        },
    };

    [Theory]
    [MemberData(nameof(Options), DisableDiscoveryEnumeration = true)]
    public async Task Each_kind_of_options_opens_its_driver(StoreOptions options, Type driver, string location)
    {
        Assert.Null(options.Fault());

        await using var store = ObjectStoreFactory.Open("offsite", options, TimeProvider.System);

        Assert.IsType(driver, store);
        Assert.Equal("offsite", store.Name);
        Assert.Equal(location, store.Location);
    }

    /// <summary>Options that no driver can use.</summary>
    public static TheoryData<StoreOptions> Unusable =>
    [
        new FileStoreOptions("repository"),
        new S3Options { Bucket = "b" },
        new S3Options { Bucket = "bucket", PartSize = 1 },
        new SftpOptions { Host = "-oProxyCommand=x", Path = "/pitr" },
        new FtpOptions { Host = "box", User = "me:you", Password = "x" },
    ];

    [Theory]
    [MemberData(nameof(Unusable), DisableDiscoveryEnumeration = true)]
    public void Unusable_options_are_refused_with_their_fault(StoreOptions options) =>
        Assert.StartsWith(
            options.Fault()!,
            Assert.Throws<ArgumentException>(() => ObjectStoreFactory.Open("offsite", options, TimeProvider.System)).Message,
            StringComparison.Ordinal);
}
