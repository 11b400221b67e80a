using Pitr.Storage.Retry;
using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

/// <summary>The S3 driver with a proxy between it and the server that breaks what a test says. Afterwards no upload may be left unfinished.</summary>
public abstract class S3FaultScenario(S3Server server) : IAsyncLifetime
{
    protected const int Part = (int)S3Options.MinPartSize;
    protected const string Key = "services/main/wal/object";

    protected static readonly CancellationToken None = CancellationToken.None;
    protected static readonly RetryPolicy Patient = new(TimeSpan.FromMinutes(2), TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200));

    protected S3Server Server => server;

    private protected S3Place Place { get; } = S3Place.OfPrefix(server);

    private protected FaultProxy Proxy { get; } = new(server.Endpoint);

    private protected S3ObjectStore Store { get; private set; } = null!;

    private protected S3Options Options => Place.Options with { Endpoint = Proxy.Endpoint, MultipartThreshold = Part, PartSize = Part, StallTimeout = TimeSpan.FromSeconds(20) };

    public Task InitializeAsync()
    {
        Store = new S3ObjectStore("offsite", Options, TimeProvider.System);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await Store.DisposeAsync();
        await Proxy.DisposeAsync();
        var unfinished = await Place.UnfinishedUploadsAsync();
        await Place.DisposeAsync();
        Assert.Equal(0, unfinished);
    }

    /// <summary>The error of an attempt that must fail, and say which object of which repository, and what to do.</summary>
    protected async Task<StorageException> FailsAsync(Func<Task> attempt, bool transient)
    {
        var error = await Assert.ThrowsAsync<StorageException>(attempt);
        Assert.Equal(transient, error.IsTransient);
        Assert.Equal("offsite", error.Repository);
        Assert.StartsWith($"repository \"offsite\", object \"{Key}", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
        Assert.DoesNotContain(server.SecretKey, error.ToString(), StringComparison.Ordinal);
        return error;
    }
}
