namespace Pitr.Storage.Ftp;

/// <summary>
/// The server refused an object, or a directory on the way to it, as it refuses what is not there, and then listed it. Either it may not be read,
/// or it came between the two answers; asking once more tells which.
/// </summary>
sealed class FtpContradictionException(StorageException refusal)
    : StorageException(refusal.Repository, refusal.Key, refusal.Reason, refusal.IsTransient, refusal.Hint)
{
    /// <summary>What it is if it does not pass.</summary>
    StorageException Refusal => refusal;

    /// <summary>Asks, and once more where the answers contradict each other.</summary>
    public static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (FtpContradictionException)
        {
            try
            {
                return await ask();
            }
            catch (FtpContradictionException again)
            {
                throw again.Refusal;
            }
        }
    }
}
