using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Agent;

/// <summary>Pays what a service owes its repositories, for as long as the agent runs: as soon as they take it again.</summary>
sealed class DebtCollector : IAsyncDisposable
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    readonly OpenedService _service;
    readonly CatchUp _catchUp;
    readonly CancellationTokenSource _stopping = new();
    readonly Task _running;

    /// <summary>Begins at once.</summary>
    public DebtCollector(OpenedService service)
    {
        _service = service;
        _catchUp = new CatchUp(service);
        _running = Task.Run(RunAsync);
    }

    async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _catchUp.RunAsync(_stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is StorageException or OperationException or IOException or UnauthorizedAccessException)
            {
                // The debts stay written down, and the next round tries again.
                _service.Log.Error("what is owed to repositories could not be paid: {Reason}", e.Message);
            }

            await Task.Delay(Pause, _service.Clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Stops; what is not paid stays written down.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _catchUp.Dispose();
        _stopping.Dispose();
    }
}
