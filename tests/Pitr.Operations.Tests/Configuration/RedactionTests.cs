using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

/// <summary>Whatever a secret is and wherever it stands, nothing that is printed contains it.</summary>
public sealed class RedactionTests : ConfigurationFiles
{
    // Long enough not to occur in the rest by chance, and with every character that means something to YAML or a connection string.
    internal static readonly Arbitrary<string> Secrets = Gen
        .Elements("abzABZ019!#$%&'()*+,-./:;<=>?@[]^_`{|}~\"\\ äß€".ToCharArray())
        .ArrayOf(12)
        .Select(characters => "Zq" + new string(characters) + "qZ")
        .ToArbitrary();

    [Fact]
    public void A_good_configuration_shows_no_secret() => Prop.ForAll(Secrets, secret =>
    {
        var file = Write(secret, "secret");
        var yaml = Minimal.Replace("  recipients", "  passphrase: " + SingleQuoted(Literal(secret)) + "\n  recipients", StringComparison.Ordinal)
            + "    password: ${SECRET}\n"
            + $"  by-file: {{ kind: postgres, repositories: [local], password: 'file:{file}' }}\n"
            + $"  inside: {{ kind: postgres, repositories: [local], connection: {SingleQuoted("Host=x;Password=\"" + Literal(secret).Replace("\"", "\"\"", StringComparison.Ordinal) + "\"")} }}\n"
            + "  uri: { kind: postgres, repositories: [local], connection: " + SingleQuoted("postgresql://me:" + Uri.EscapeDataString(Literal(secret)) + "@db/x") + " }\n";
        var configuration = Load(yaml, Variables(("SECRET", secret)));

        Assert.Equal(secret, configuration.PostgresService("main").Password!.Reveal());
        Assert.Equal(secret, configuration.PostgresService("by-file").Password!.Reveal());
        Assert.Equal(Literal(secret), configuration.PostgresService("inside").Password!.Reveal());
        Assert.Equal(Literal(secret), configuration.PostgresService("uri").Password!.Reveal());
        Assert.Equal(Literal(secret), configuration.Encryption.Passphrase!.Reveal());
        Assert.All(
            Printed(configuration),
            text =>
            {
                Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
                Assert.DoesNotContain(Literal(secret), text, StringComparison.Ordinal);
                Assert.DoesNotContain(secret[..6], text, StringComparison.Ordinal);
            });
        Assert.Contains(SecretValue.Mask, ConfigurationText.Show(configuration), StringComparison.Ordinal);
        Assert.Contains(SecretValue.Mask, ConfigurationText.ShowJson(configuration), StringComparison.Ordinal);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_error_shows_a_secret_however_it_was_mistyped() => Prop.ForAll(Secrets, secret =>
    {
        string[] attempts =
        [
            "password: " + secret,
            "password: *" + secret,
            "password: &" + secret,
            "password: !" + secret,
            "password: \"" + secret,
            "password: [" + secret + "]",
            "password: { a: " + secret + " }",
            "password:\n  - " + secret,
            "password:" + secret,
            "passwrod: " + SingleQuoted(secret),
            "password: " + SingleQuoted("x${" + secret),
            "password: " + SingleQuoted("file:" + secret),
            "password: " + SingleQuoted(secret + "\n\n" + secret),
            "connection: " + SingleQuoted("Host=a;Password=" + secret),
            "connection: " + SingleQuoted("host=a password=" + secret),
            "connection: " + SingleQuoted("postgresql://me:" + secret + "@db/x"),
            "connection: " + SingleQuoted("Host=a;Port=" + secret),
            "connection: " + SingleQuoted("Host=a;SSL Password='" + secret.Replace("'", "''", StringComparison.Ordinal) + "'"),
            "connection: " + SingleQuoted("Host=a;Password='a';" + secret + "=x"),
        ];
        foreach (var attempt in attempts)
        {
            // Some of the spellings are right for some secrets; then what is shown is judged instead.
            Assert.All(Outcome(InMain(attempt + "\nunknown: 1"), NoEnvironment), text => Assert.DoesNotContain(secret[..6], text, StringComparison.Ordinal));
        }
        foreach (var variable in (string[])["PITR_SERVICES__MAIN__PASSWORD", "PITR_SERVICES__MAIN__PASWORD", "PITR_SERVICES__MAIN__CONNECTION", "PITR_ENCRYPTION__PASSPHRASE"])
        {
            Assert.All(Outcome(Minimal, Variables((variable, secret))), text => Assert.DoesNotContain(secret[..6], text, StringComparison.Ordinal));
        }
    }).QuickCheckThrowOnFailure();

    internal static IEnumerable<string> Printed(PitrConfiguration configuration) =>
    [
        ConfigurationText.Show(configuration),
        ConfigurationText.ShowJson(configuration),
        configuration.ToString(),
        configuration.Encryption.ToString(),
        string.Create(CultureInfo.InvariantCulture, $"{configuration.Encryption.Passphrase}"),
        .. configuration.Services.Values.Select(service => service.ToString()),
        .. configuration.Services.Values.OfType<PostgresServiceSettings>().Select(service => $"{service.Password} {service.Connection}"),
        .. configuration.Repositories.Values.SelectMany(repository => new[] { repository.ToString(), repository.Url, repository.Driver.ToString() }),
    ];

    // A literal can not hold the beginning of a reference; such secrets belong in a file.
    internal static string Literal(string secret) => secret.Replace("${", "$_", StringComparison.Ordinal);

    internal static string SingleQuoted(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";
}
