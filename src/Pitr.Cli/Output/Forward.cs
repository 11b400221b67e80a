namespace Pitr.Cli.Output;

/// <summary>Hands progress on in the calling thread and in order, which <see cref="Progress{T}"/> does not.</summary>
sealed class Forward<T>(Action<T> receive) : IProgress<T>
{
    public void Report(T value) => receive(value);
}
