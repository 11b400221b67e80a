using Pitr.Operations.Configuration;

namespace Pitr.Operations.Setup;

/// <summary>What `pitr init` is asked to make.</summary>
/// <param name="ConfigurationPath">Where the configuration goes, absolute.</param>
/// <param name="Configuration">Its content; recipients and identity are filled in by the run.</param>
/// <param name="Passphrase">Protects the identity; null leaves it without.</param>
/// <param name="Force">Replaces an existing configuration file; keys are never replaced.</param>
public sealed record InitRequest(string ConfigurationPath, NewConfiguration Configuration, string? Passphrase, bool Force);
