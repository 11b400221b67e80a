using System.Runtime.CompilerServices;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

/// <summary>Holds <c>docs/configuration.md</c> against the reader.</summary>
public sealed class ConfigurationDocumentationTests : ConfigurationFiles
{
    static readonly string Text = Read("configuration.md");

    [Fact]
    public void The_example_loads_and_has_every_key()
    {
        var configuration = Load(Block("yaml"), Variables(("PITR_PASSPHRASE", "x")));

        Assert.Equal(["main", "billing", "shop", "legacy", "cache", "documents", "documents-elsewhere", "vectors", "etc"], configuration.Services.Keys);
        var example = Block("yaml");
        var ofEveryKind = RepositoryBinding.KeysOf("file");
        Assert.All(
            ConfigurationLoader.KnownKeys().Where(key => !key.Path.StartsWith("repositories.*", StringComparison.Ordinal) || ofEveryKind.Contains(key.Path.Split('.')[2])),
            key => Assert.Contains(key.Path.Split('.')[^1] + ":", example, StringComparison.Ordinal));
    }

    [Fact]
    public void The_example_of_groups_loads()
    {
        var configuration = Load(Blocks("yaml", Read("groups.md")).First());

        Assert.Equal(["orders", "search"], ServiceOrder.Of(configuration.Services));
        Assert.False(configuration.Applications.StopCommand!.IsShell);
    }

    [Fact]
    public void There_is_an_example_that_loads_for_every_kind_of_repository()
    {
        var kinds = new HashSet<string>(StringComparer.Ordinal);
        var others = new[] { "storage-s3.md", "storage-sftp.md", "storage-ftp.md" }.SelectMany(file => Blocks("yaml", Read(file)));
        foreach (var block in Blocks("yaml", Text).Skip(1).Concat(others))
        {
            var first = block.Split('\n')[1].Trim().TrimEnd(':');
            var services = block.Contains("services:", StringComparison.Ordinal) ? "" : $"services: {{ main: {{ kind: postgres, repositories: [{first}] }} }}\n";
            var configuration = Load(block + "encryption: { recipients: [/a.pem] }\n" + services);
            kinds.UnionWith(configuration.Repositories.Values.Select(repository => repository.Url[..repository.Url.IndexOf(':', StringComparison.Ordinal)]));
        }

        Assert.Equal(["file", "ftp", "s3", "sftp"], kinds.Order());
    }

    [Fact]
    public void Every_key_is_documented_with_its_type_and_default()
    {
        foreach (var key in ConfigurationLoader.KnownKeys())
        {
            var standard = key switch
            {
                { IsRequired: true } => "**required**",
                { Default: null } => "—",
                { Default: var text } when text.Contains(' ', StringComparison.Ordinal) => text,
                { Default: var text } => $"`{text}`",
            };
            Assert.Contains($"\n| `{key.Path}` | {key.Type} | {standard} | ", Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nothing_is_documented_that_does_not_exist()
    {
        var rows = Text[Text.IndexOf("## Every key", StringComparison.Ordinal)..Text.IndexOf("## How values", StringComparison.Ordinal)]
            .Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1]);

        Assert.Equal(ConfigurationLoader.KnownKeys().Select(key => key.Path).Order(), rows.Order());
    }

    [Fact]
    public void The_examples_of_single_keys_are_right()
    {
        foreach (var row in Text.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal) && line.Count(c => c == '|') == 6))
        {
            var path = row.Split('`')[1];
            var example = row.Split('|')[5].Trim().Trim('`');
            if (path is "services.*.repositories" or "services.*.kind" or "encryption.recipients" or "repositories.*.url" or "services.*.after")
            {
                // These are in the minimal configuration already; the long example above has them.
                continue;
            }
            var lines = Indentation(path, example);
            var name = path.Split('.')[0];
            var yaml = name switch
            {
                "services" => OfKindWith(path) + lines + WithCheck(path) + WithPaths(path),
                "repositories" => Offsite(Companions(path) + lines.Replace("\n    ", "\n", StringComparison.Ordinal).Trim()),
                "encryption" => Minimal.Replace("encryption:\n", "encryption:\n" + lines, StringComparison.Ordinal),
                _ => path.Contains('.', StringComparison.Ordinal) ? Minimal + name + ":\n" + lines : Minimal + lines,
            };
            Assert.NotNull(Load(yaml));
        }

        // What a repository must have besides, so that the key makes sense.
        static string Companions(string path)
        {
            var key = path.Split('.')[2];
            var others = key switch
            {
                "access-key" => "secret-key: ${X}\n",
                "secret-key" => "access-key: X\n",
                "session-token" => "access-key: X\nsecret-key: ${X}\n",
                "profile" => "credentials: profile\n",
                "profile-file" => "credentials: profile\nprofile: x\n",
                "role-arn" or "token-file" or "token-service" => "credentials: web-identity\n",
                "kms-key" => "encryption: kms\n",
                "proxy-user" or "proxy-password" => "proxy: http://proxy:3128\n",
                "object-lock" => "object-lock-days: 1\n",
                "object-lock-days" => "object-lock: governance\n",
                "password" => "user: me\n",
                _ => "",
            };
            return KindWith(path) switch
            {
                "file" => "url: file:///r\n",
                "s3" => "url: s3://bucket\n",
                "sftp" => "url: sftp://host/r\n",
                _ when key == "password" => "url: ftp://host/r\n",
                _ when key == "user" => "url: ftp://host/r\npassword: ${X}\n",
                _ => "url: ftp://me@host/r\npassword: ${X}\n",
            } + others;
        }

        // The smallest configuration with a service of a kind that has the key.
        static string OfKindWith(string path) =>
            ServiceWith(path) is not "main" and var kind ? Minimal.Replace("kind: postgres", $"kind: {kind}", StringComparison.Ordinal) : Minimal;

        // What a check must have besides the key.
        static string WithCheck(string path) => path.Split('.') is not [.., "checks", _, var key] ? "" : key switch
        {
            "run" or "path" => "",
            "min-files" or "max-age" => "          path: /etc\n",
            "command" or "sql" => "          expect: 1\n",
            "expect" => "          sql: SELECT 1\n",
            _ => "          sql: SELECT 1\n          expect: 1\n",
        };

        // Trees begin somewhere.
        static string WithPaths(string path) => ServiceWith(path) == "files" && !path.EndsWith(".paths", StringComparison.Ordinal) ? "    paths: [/etc]\n" : "";

        static string Indentation(string path, string example)
        {
            var parts = path.Replace("checks.*", "checks.orders", StringComparison.Ordinal).Split('.');
            var first = Array.IndexOf(parts, "*") + 1;
            first = first == 0 && parts.Length > 1 ? 1 : first;
            var lines = "";
            for (var i = first; i < parts.Length; i++)
            {
                lines += new string(' ', 2 * i) + parts[i] + ":" + (i == parts.Length - 1 ? " " + example : "") + "\n";
            }
            return lines;
        }
    }

    [Fact]
    public void The_overrides_in_the_documentation_work()
    {
        var variables = Block("sh").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=', 2));

        var configuration = Load(Block("yaml"), variables.ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal));

        Assert.Equal(4, configuration.Overrides.Count);
        Assert.Equal("/srv/pgdata", configuration.PostgresService("main").DataDirectory);
    }

    static string Block(string language) => Blocks(language, Text).First();

    /// <summary>The examples in a language, those in lists without the list's indentation.</summary>
    static IEnumerable<string> Blocks(string language, string text)
    {
        var opening = "```" + language + "\n";
        for (var start = text.IndexOf(opening, StringComparison.Ordinal); start >= 0; start = text.IndexOf(opening, start, StringComparison.Ordinal))
        {
            var indentation = text[(text.LastIndexOf('\n', start) + 1)..start];
            start += opening.Length;
            yield return string.Concat(text[start..text.IndexOf("```", start, StringComparison.Ordinal)].TrimEnd(' ')
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line[indentation.Length..] + "\n"));
        }
    }

    static string Read(string name, [CallerFilePath] string source = "")
    {
        // Beside the tests where the build copied it, else in the source tree the tests were built from.
        var copied = Path.Combine(AppContext.BaseDirectory, "docs", name);
        return File.ReadAllText(File.Exists(copied) ? copied : Path.Combine(Path.GetDirectoryName(source)!, "../../../docs", name));
    }
}
