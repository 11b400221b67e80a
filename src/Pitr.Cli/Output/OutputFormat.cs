namespace Pitr.Cli.Output;

/// <summary>Who reads standard output.</summary>
enum OutputFormat
{
    Text,
    Json,
}
