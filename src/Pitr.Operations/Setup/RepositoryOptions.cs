using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Setup;

/// <summary>Reads <c>KEY=VALUE</c> as `pitr init` takes the keys of a repository.</summary>
public static class RepositoryOptions
{
    /// <summary>Reads the options. Whether a value suits its key is for the configuration to judge.</summary>
    /// <param name="options">Each <c>KEY=VALUE</c>, in the order given.</param>
    /// <exception cref="RefusedInputException">
    /// One has no <c>=</c>, names a key that no repository has or that was given already, or holds a secret instead of a reference to it.
    /// The message does not repeat the value.
    /// </exception>
    public static IReadOnlyList<KeyValuePair<string, string>> Parse(IEnumerable<string> options)
    {
        const string url = "url";
        var known = NewConfiguration.RepositoryKeyTypes.Where(key => key.Key != url).ToDictionary();
        var read = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var option in options)
        {
            var equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new RefusedInputException("--repository-option takes KEY=VALUE", "for example --repository-option region=eu-central-1");
            }

            var (key, value) = (option[..equals], option[(equals + 1)..]);
            if (!known.ContainsKey(key))
            {
                throw new RefusedInputException(
                    $"--repository-option: no repository has the key \"{ConfigurationReading.Shown(key)}\"",
                    NearestName.Hint(key, known.Keys, "there are"));
            }

            if (NewConfiguration.IsSecret(key) && !SecretReference.IsReference(value))
            {
                throw new RefusedInputException(
                    $"--repository-option {key}: a secret on the command line can be read by everybody on this host",
                    $"put it into a file with mode 0600 and give {key}=file:/path/of/the/file, or into a variable and give '{key}=${{VARIABLE}}'");
            }

            if (!read.TryAdd(key, value))
            {
                throw new RefusedInputException($"--repository-option {key} is given twice", "give it once");
            }
        }

        return [.. read];
    }
}
