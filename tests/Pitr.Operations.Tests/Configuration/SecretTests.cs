using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

public sealed class SecretTests : ConfigurationFiles
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const UnixFileMode WorldReadable = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    [Fact]
    public void A_secret_comes_from_a_variable_a_file_or_the_configuration()
    {
        var file = Write("from file \n", "secret");
        Assert.Equal("from variable", Password("${THE_VAR}", ("THE_VAR", "from variable")).Reveal());
        Assert.Equal("from file ", Password("file:" + file).Reveal());
        Assert.Equal("from file ", Password("file://" + file).Reveal());
        Assert.Equal("literal", Password("literal").Reveal());
        Assert.Equal("${THE_VAR}", Password("${THE_VAR}").Source);
        Assert.Equal("file:" + file, Password("file:" + file).Source);
        Assert.Equal("literal", Password("hunter2").Source);
        Assert.True(Password("hunter2").IsLiteral);
    }

    [Theory]
    [InlineData("secret", "secret")]
    [InlineData("secret\n", "secret")]
    [InlineData("secret\r\n", "secret")]
    [InlineData("se\ncret\n\n", "se\ncret\n")]
    public void One_line_end_after_the_secret_is_not_part_of_it(string content, string secret) =>
        Assert.Equal(secret, Password("file:" + Write(content, "secret")).Reveal());

    [Fact]
    public void References_are_followed_when_the_secret_is_needed_and_not_before()
    {
        var variables = Variables();
        var configuration = Load(InMain("password: ${LATER}"), variables);

        var e = Assert.Throws<ConfigurationException>(() => configuration.PostgresService("main").RevealConnection());
        Assert.Equal($"{configuration.FilePath}:9:15: \"services.main.password\": environment variable LATER is not set or empty", e.Message);
        Assert.NotNull(e.Hint);

        variables["LATER"] = "one";
        Assert.Equal("Host=/var/run/postgresql;Username=postgres;Password=one", configuration.PostgresService("main").RevealConnection());
        variables["LATER"] = "two;x";
        Assert.Equal("Host=/var/run/postgresql;Username=postgres;Password=\"two;x\"", configuration.PostgresService("main").RevealConnection());
    }

    [Fact]
    public void RequireSecrets_names_every_key_whose_secret_can_not_be_had()
    {
        var loose = Write("hunter2", "loose", WorldReadable);
        var configuration = Load(
            Minimal.Replace("  recipients", $"  passphrase: file:{loose}\n  recipients", StringComparison.Ordinal)
            + $"    password: file:{PathOf("missing")}\n"
            + "  second: { kind: postgres, repositories: [local], connection: 'Host=x;Password=${NOT_SET}' }\n");

        var e = Assert.Throws<ConfigurationException>(configuration.RequireSecrets);

        Assert.Equal(
            [
                $"\"services.main.password\": secret file {PathOf("missing")}: can not be read: it does not exist",
                "\"services.second.connection\": environment variable NOT_SET is not set or empty",
                $"\"encryption.passphrase\": secret file {loose}: is open to everybody on this host (mode 0644, allowed is 0640 or stricter)",
            ],
            e.Problems.Select(p => p.Message));
        Assert.All(e.Problems, p => Assert.True(p.Line > 0 && p.File == configuration.FilePath));
        Assert.DoesNotContain("hunter2", e.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0b110_000_000, true, true)]
    [InlineData(0b100_000_000, true, true)]
    [InlineData(0b110_100_000, true, false)]
    [InlineData(0b100_100_000, true, false)]
    [InlineData(0b110_110_000, false, false)]
    [InlineData(0b110_101_000, false, false)]
    [InlineData(0b110_000_100, false, false)]
    [InlineData(0b110_000_010, false, false)]
    [InlineData(0b110_000_001, false, false)]
    [InlineData(0b110_100_100, false, false)]
    [InlineData(0b111_111_111, false, false)]
    public void Modes_are_judged(int mode, bool isPrivate, bool isOwnerOnly)
    {
        var path = Write("x", "secret", (UnixFileMode)mode);
        Judge(() => SecretFile.RequirePrivate(path), isPrivate, "0640");
        Judge(() => SecretFile.RequireOwnerOnly(path), isOwnerOnly, "0600");

        void Judge(Action require, bool isAllowed, string widest)
        {
            if (isAllowed)
            {
                require();
                return;
            }
            var e = Assert.Throws<ConfigurationException>(require);
            Assert.StartsWith(path + ": is open to ", e.Message, StringComparison.Ordinal);
            Assert.Contains($"(mode 0{Convert.ToString(mode, 8)}, allowed is {widest} or stricter)", e.Message, StringComparison.Ordinal);
            Assert.Equal($"chmod {widest} {path}", e.Hint);
        }
    }

    [Fact]
    public void A_link_is_judged_by_the_file_it_leads_to()
    {
        var loose = Write("x", "loose", WorldReadable);
        var link = PathOf("link");
        File.CreateSymbolicLink(link, loose);

        Assert.Throws<ConfigurationException>(() => SecretFile.RequirePrivate(link));
    }

    [Fact]
    public void Unusable_secret_files_are_named()
    {
        Assert.Contains("is a directory", Failure(Path.GetDirectoryName(PathOf("x"))!), StringComparison.Ordinal);
        Assert.Contains("is empty", Failure(Write("", "empty")), StringComparison.Ordinal);
        Assert.Contains("is empty", Failure(Write("\n", "newline")), StringComparison.Ordinal);
        Assert.Contains("is longer than 65536 bytes", Failure(Write(new string('x', 65537), "long")), StringComparison.Ordinal);

        string Failure(string path) => Assert.Throws<ConfigurationException>(() => Password("file:" + path).Reveal()).Message;
    }

    [Theory]
    [InlineData("password: hunter2", 9, 15)]
    [InlineData("connection: \"Host=db;Password=hunter2\"", 9, 17)]
    public void A_secret_in_a_world_readable_configuration_is_refused(string line, int atLine, int atColumn)
    {
        var path = Write(InMain(line), mode: WorldReadable);

        var e = Assert.Throws<ConfigurationException>(() => ConfigurationLoader.Load(path, NoEnvironment));

        Assert.Equal($"{path}:{atLine}:{atColumn}: a secret stands in this file, which everybody on this host can read", e.Message);
        Assert.StartsWith($"chmod 0640 {path}", e.Hint, StringComparison.Ordinal);
        // Overriding it does not take it out of the file.
        if (line.StartsWith("password", StringComparison.Ordinal))
        {
            Assert.Throws<ConfigurationException>(() => ConfigurationLoader.Load(path, Variables(("PITR_SERVICES__MAIN__PASSWORD", "other"))));
        }
    }

    [Fact]
    public void References_may_stand_in_a_world_readable_configuration()
    {
        var path = Write(InMain("password: ${X}"), mode: WorldReadable);
        Assert.NotNull(ConfigurationLoader.Load(path, Variables(("PITR_ENCRYPTION__PASSPHRASE", "literal in the environment"))));
        File.WriteAllText(path, InMain("password: file:/etc/pitr/password"));
        Assert.NotNull(ConfigurationLoader.Load(path, NoEnvironment));
        File.WriteAllText(path, InMain("connection: \"Host=x;Password=${X}\""));
        Assert.NotNull(ConfigurationLoader.Load(path, NoEnvironment));
    }

    SecretValue Password(string text, params (string Name, string Value)[] variables) =>
        Load(InMain($"password: \"{text}\""), Variables(variables)).PostgresService("main").Password!;
}
