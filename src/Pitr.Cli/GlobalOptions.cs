using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Configuration;

namespace Pitr.Cli;

/// <summary>Options every command takes.</summary>
static class GlobalOptions
{
    const int DefaultJobs = 8;
    const int MostJobs = 256;

    public static readonly Option<string?> Config = new("--config", "-c")
    {
        Description = "Configuration file (else $PITR_CONFIG, else /etc/pitr/pitr.yaml)",
        HelpName = "FILE",
        Recursive = true,
    };

    public static readonly Option<OutputFormat> Output = new("--output", "-o")
    {
        Description = "text for people, json for programs (docs/json.md)",
        Recursive = true,
        CustomParser = result =>
        {
            if (Enum.GetValues<OutputFormat>().Cast<OutputFormat?>().FirstOrDefault(f => f.ToString()!.Equals(result.Tokens[0].Value, StringComparison.OrdinalIgnoreCase)) is { } format)
            {
                return format;
            }

            result.AddError($"--output takes text or json, not \"{result.Tokens[0].Value}\"");
            return OutputFormat.Text;
        },
    };

    public static readonly Option<bool> Verbose = new("--verbose", "-v")
    {
        Description = "Log what is done to standard error",
        Recursive = true,
    };

    /// <summary>The option that keeps a reading command to some of the service's repositories.</summary>
    public static Option<string[]> Repositories() => new("--repository")
    {
        Description = "Ask only these of the service's repositories (several: again, or with commas)",
        HelpName = "NAME",
        CustomParser = result => [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
    };

    /// <summary>The option that says where scratch space is made.</summary>
    public static Option<string?> Scratch() => new("--scratch")
    {
        Description = "Restore into a directory made in this one (default: below the state directory)",
        HelpName = "DIR",
    };

    /// <summary>The argument that names a service.</summary>
    public static Argument<string?> Service(bool required)
    {
        var argument = new Argument<string?>("SERVICE")
        {
            Description = required ? "Name of the service in the configuration" : "Name of the service; may be left out when there is only one",
            Arity = required ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
        };
        argument.CompletionSources.Add(ServiceNames.Complete);
        return argument;
    }

    /// <summary>An argument that names a repository.</summary>
    public static Argument<string> Repository(string name = "NAME")
    {
        var argument = new Argument<string>(name) { Description = "Name of the repository in the configuration" };
        argument.CompletionSources.Add(RepositoryNames.Complete);
        return argument;
    }

    /// <summary>How many objects are worked on at once.</summary>
    public static Option<int> Jobs()
    {
        var option = new Option<int>("--jobs", "-j")
        {
            Description = $"Objects worked on at once, 1 to {MostJobs}",
            HelpName = "N",
            DefaultValueFactory = _ => DefaultJobs,
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MostJobs)
            {
                result.AddError($"--jobs takes a number from 1 to {MostJobs}");
            }
        });
        return option;
    }

    /// <summary>An option that takes a rate as the configuration writes it: 500kB/s, 20MB/s.</summary>
    public static Option<long?> Rate(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "RATE",
        CustomParser = result =>
        {
            if (ConfigurationUnits.TryParseRate(result.Tokens[0].Value, out var rate) && rate >= ConfigurationUnits.SlowestRate)
            {
                return rate;
            }

            result.AddError($"{name} takes {ConfigurationUnits.RateHint}; {ConfigurationUnits.FormatRate(ConfigurationUnits.SlowestRate)} or more");
            return null;
        },
    };

    /// <summary>An option that takes a duration as the configuration writes it: 30s, 5m, 2h, 7d.</summary>
    public static Option<TimeSpan?> Duration(string name, string description)
    {
        var option = new Option<TimeSpan?>(name)
        {
            Description = description,
            HelpName = "DURATION",
            CustomParser = result =>
            {
                if (ConfigurationUnits.TryParseDuration(result.Tokens[0].Value, out var duration))
                {
                    return duration;
                }

                result.AddError($"{name} takes {ConfigurationUnits.DurationHint}");
                return null;
            },
        };
        return option;
    }
}
