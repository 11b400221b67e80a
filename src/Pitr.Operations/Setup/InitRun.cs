using Pitr.Format.Keys;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Keys;
using Pitr.Operations.Services;
using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Setup;

/// <summary>Makes a first set-up: key pair, configuration, an initialised repository.</summary>
public sealed class InitRun(TimeProvider clock, ILogger log, IReadOnlyDictionary<string, string> environment)
{
    /// <summary>Makes what is missing. An identity that exists is kept: replacing it would make what it opens unreadable.</summary>
    /// <returns>The configuration as it was written and read back.</returns>
    /// <exception cref="ConfigurationException">What is asked for makes no usable configuration; nothing has been written.</exception>
    /// <exception cref="RepositoryUnavailableException">Keys and configuration are written, but the repository could not be made.</exception>
    /// <exception cref="ConflictException">A configuration exists and <see cref="InitRequest.Force"/> is not set.</exception>
    public async Task<PitrConfiguration> RunAsync(InitRequest request, CancellationToken cancellation)
    {
        var path = request.ConfigurationPath;
        if (File.Exists(path) && !request.Force)
        {
            throw new ConflictException(
                $"the configuration {path} exists already",
                "add the service to it by hand, name another file with --config, or replace it with --force");
        }

        // Before anything is written: also a password in a URL, which must not get into the file.
        ConfigurationLoader.RequireValid(
            ConfigurationText.Render(request.Configuration with { RecipientFiles = ["/recipient.pem"] }), "pitr init", environment);
        var directory = Path.GetDirectoryName(path)!;
        var identityPath = Path.Combine(directory, "identity.pem");
        var recipientPath = Path.Combine(directory, "recipient.pem");
        try
        {
            Directory.CreateDirectory(directory);
            if (!File.Exists(identityPath))
            {
                KeyFiles.Create(identityPath, recipientPath, request.Passphrase);
            }
            else if (!File.Exists(recipientPath))
            {
                // A run that was cut off between the two left the identity alone.
                using var identity = IdentityFile.Load(identityPath, request.Passphrase);
                File.WriteAllText(recipientPath, identity.Recipient.ToPem());
            }

            var content = request.Configuration with { IdentityFile = identityPath, RecipientFiles = [recipientPath] };
            StateFile.Replace(path, System.Text.Encoding.UTF8.GetBytes(ConfigurationText.Render(content)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException(
                $"{directory} cannot be written: {e.Message}",
                "run as a user that may write there, or name another place with --config",
                e);
        }

        var configuration = ConfigurationLoader.Load(path, environment);
        foreach (var repository in configuration.Repositories.Values)
        {
            await using var store = RepositoryOpener.Open(repository, clock, log);
            try
            {
                await RepositorySet.InitialiseAsync(store, clock, cancellation);
            }
            catch (StorageException e)
            {
                throw new RepositoryUnavailableException(
                    $"configuration and keys are written, but the repository is not made: {e.Message}",
                    $"{(e.Hint is { } hint ? hint + "; " : "")}correct {path} if need be, then `pitr repo init {repository.Name}`",
                    e);
            }
        }

        return configuration;
    }
}
