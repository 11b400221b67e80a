namespace Pitr.Storage.Tests.S3;

/// <summary>The tests that share one server; they run one after the other, so that none waits for another's load.</summary>
[CollectionDefinition(Name)]
public sealed class S3Tests : ICollectionFixture<S3Server>
{
    public const string Name = "S3";
}
