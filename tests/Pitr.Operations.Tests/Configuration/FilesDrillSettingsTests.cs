using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

public sealed class FilesDrillSettingsTests : ConfigurationFiles
{
    const string Files = "    kind: files\n    paths: [/etc]\n";

    static string With(string drill) => Minimal.Replace("    kind: postgres\n", Files + "    " + drill.ReplaceLineEndings("\n    ") + "\n", StringComparison.Ordinal);

    [Fact]
    public void Checks_are_read_in_their_order()
    {
        var drill = Load(With("""
            drill:
              check-timeout: 30s
              checks:
                hosts: { path: /etc/hosts }
                uploads: { path: "*.jpg", min-files: 1000, max-age: 2d }
                nginx: { run: nginx -t -p $DRILL_ROOT/etc/nginx }
                words: { run: [/bin/echo, a b], expect: a b }
            """)).FilesService("main").Drill;

        Assert.Equal(TimeSpan.FromSeconds(30), drill.CheckTimeout);
        Assert.Equal(["hosts", "uploads", "nginx", "words"], drill.Checks.Select(c => c.Name));
        Assert.Equal(new PathCheckSettings("hosts", "/etc/hosts", null, null), drill.Checks[0]);
        Assert.Equal(("anything", "at least 1000 files, the newest file at most 2d old"), (((PathCheckSettings)drill.Checks[0]).Expected, ((PathCheckSettings)drill.Checks[1]).Expected));
        Assert.True(Assert.IsType<RunCheckSettings>(drill.Checks[2]) is { Command.IsShell: true, Expect: null });
        Assert.True(Assert.IsType<RunCheckSettings>(drill.Checks[3]) is { Command: { IsShell: false, Words: ["/bin/echo", "a b"] }, Expect.Text: "a b" });
    }

    [Fact]
    public void What_is_shown_reads_back_as_the_same()
    {
        var shown = ConfigurationText.Show(Load(With("drill: { checks: { a: { path: 'x y', min-files: 1, max-age: 1h }, b: { run: [a, b], expect: rows = 0 }, c: { run: \"test 1\" } } }")));

        Assert.Equal(shown, ConfigurationText.Show(Load(shown)));
    }

    [Fact]
    public void Variables_that_secrets_come_from_are_known()
    {
        var configuration = Load(Minimal.Replace("encryption:\n", "encryption:\n  identity: /x\n  passphrase: ${X_PHRASE}\n", StringComparison.Ordinal), Variables(("X_PHRASE", "x")));

        Assert.Equal(["X_PHRASE"], configuration.SecretVariables);
    }

    [Theory]
    [InlineData("drill: { checks: { a: { } } }", "\"services.main.drill.checks.a\" has neither a path nor a command")]
    [InlineData("drill: { checks: { a: { path: /x, run: \"true\" } } }", "\"services.main.drill.checks.a\" has both a path and a command")]
    [InlineData("drill: { checks: { a: { run: \"true\", max-age: 1d } } }", "\"services.main.drill.checks.a\" has keys that do not belong together")]
    [InlineData("drill: { checks: { a: { path: /x, expect: 1 } } }", "\"services.main.drill.checks.a\" has keys that do not belong together")]
    [InlineData("drill: { checks: { a: { path: \"[a\" } } }", "\"services.main.drill.checks.a.path\" is \"[a\", which has a [ without its ]")]
    [InlineData("drill: { checks: { a: { path: /x, min-files: 0 } } }", "\"services.main.drill.checks.a.min-files\" can not be \"0\"")]
    [InlineData("drill: { checks: { a: { path: /x, max-age: 2 } } }", "\"services.main.drill.checks.a.max-age\" can not be \"2\"")]
    [InlineData("drill: { checks: { a: { run: \"true\", expect: \">= x\" } } }", "\"services.main.drill.checks.a.expect\" can not be \">= x\": \"x\" behind >= is no number")]
    [InlineData("drill: { row-counts: total }", "unknown key \"row-counts\" in \"services.main.drill\"")]
    public void What_is_wrong_is_said(string drill, string message) => Assert.Equal(message, Assert.Single(Refused(With(drill)).Problems).Message);
}
