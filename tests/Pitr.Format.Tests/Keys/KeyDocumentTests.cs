using System.Text;
using System.Text.Json.Nodes;
using Pitr.Format.Keys;

namespace Pitr.Format.Tests.Keys;

public class KeyDocumentTests
{
    const string Passphrase = "correct horse battery staple";

    [Fact]
    public void Every_recipient_opens_the_key()
    {
        using var first = Identity.Create();
        using var second = Identity.Create();
        using var key = DataKey.Create(Samples.Time);
        var document = KeyDocument.Parse(KeyDocument.Wrap(key, [first.Recipient, second.Recipient, first.Recipient]).ToJson());
        Assert.Equal([first.Recipient.Id, second.Recipient.Id], document.RecipientIds);
        foreach (var identity in new[] { first, second })
        {
            using var opened = document.Unwrap(identity);
            Assert.Equal(key.Secret, opened.Secret);
            Assert.Equal(key.Id, opened.Id);
            Assert.Equal(Samples.Time, opened.Created);
        }
    }

    [Fact]
    public void A_stranger_is_told_who_could()
    {
        using var identity = Identity.Create();
        using var stranger = Identity.Create();
        using var key = Samples.Key();
        var document = KeyDocument.Wrap(key, [identity.Recipient]);
        var message = Assert.Throws<WrongIdentityException>(() => document.Unwrap(stranger)).Message;
        Assert.Contains(identity.Recipient.Id, message, StringComparison.Ordinal);
        Assert.Contains(stranger.Recipient.Id, message, StringComparison.Ordinal);
        Assert.Throws<WrongIdentityException>(() => document.UnwrapWithPassphrase(Passphrase));
    }

    [Fact]
    public void A_passphrase_opens_the_key()
    {
        using var key = Samples.Key();
        var document = KeyDocument.Parse(KeyDocument.Wrap(key, [], Passphrase).ToJson());
        Assert.True(document.HasPassphrase);
        Assert.Equal(600_000, Assert.Single(document.Wraps).Iterations);
        using var opened = document.UnwrapWithPassphrase(Passphrase);
        Assert.Equal(key.Secret, opened.Secret);
        Assert.Throws<WrongIdentityException>(() => document.UnwrapWithPassphrase("wrong"));
    }

    [Fact]
    public void Nobody_is_no_recipient()
    {
        using var key = Samples.Key();
        Assert.Throws<ArgumentException>(() => KeyDocument.Wrap(key, []));
        Assert.Throws<ArgumentException>(() => KeyDocument.Wrap(key, [], ""));
    }

    [Fact]
    public void Recipients_come_and_go_but_never_the_last()
    {
        using var first = Identity.Create();
        using var second = Identity.Create();
        using var key = Samples.Key();
        using var other = DataKey.Create(Samples.Time);
        var document = KeyDocument.Wrap(key, [first.Recipient]);
        Assert.Throws<InvalidOperationException>(() => document.WithoutRecipient(first.Recipient.Id));
        Assert.Throws<ArgumentException>(() => document.WithRecipient(other, second.Recipient));

        document = document.WithRecipient(key, second.Recipient).WithRecipient(key, second.Recipient);
        Assert.Equal([first.Recipient.Id, second.Recipient.Id], document.RecipientIds);
        document = document.WithoutRecipient(first.Recipient.Id);
        Assert.Throws<WrongIdentityException>(() => document.Unwrap(first));
        using var opened = document.Unwrap(second);
        Assert.Equal(key.Secret, opened.Secret);

        document = document.WithPassphrase(key, Passphrase).WithoutRecipient(second.Recipient.Id);
        Assert.Throws<InvalidOperationException>(document.WithoutPassphrase);
        Assert.False(document.WithRecipient(key, first.Recipient).WithoutPassphrase().HasPassphrase);
    }

    [Fact]
    public void What_a_later_version_added_is_kept_when_rewritten()
    {
        using var identity = Identity.Create();
        using var second = Identity.Create();
        using var key = Samples.Key();
        var json = JsonNode.Parse(KeyDocument.Wrap(key, [identity.Recipient]).ToJson())!;
        json["remark"] = "from the future";
        json["wraps"]!.AsArray().Add(new JsonObject { ["scheme"] = "hardware-token", ["slot"] = 9 });
        var document = KeyDocument.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()));
        var rewritten = JsonNode.Parse(document.WithRecipient(key, second.Recipient).WithoutRecipient(identity.Recipient.Id).ToJson())!;
        Assert.Equal("from the future", (string?)rewritten["remark"]);
        Assert.Contains(rewritten["wraps"]!.AsArray(), wrap => (int?)wrap!["slot"] == 9);
    }

    [Fact]
    public void A_newer_format_is_refused_as_such() =>
        Assert.Contains("format 2", Assert.Throws<UnsupportedFormatException>(() => KeyDocument.Parse("""{"format": 2, "id": 5}"""u8)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("recipient", "\"ABC\"")]
    [InlineData("recipient", "null")]
    [InlineData("enc", "\"AAAA\"")]
    [InlineData("enc", "\"not base64!\"")]
    [InlineData("ciphertext", "\"AAAA\"")]
    [InlineData("scheme", "7")]
    [InlineData("scheme", "null")]
    [InlineData("scheme", "\"pbkdf2-hmac-sha512-aes256gcm\"")]
    public void A_malformed_wrap_is_refused(string member, string value)
    {
        using var identity = Identity.Create();
        using var key = Samples.Key();
        var json = JsonNode.Parse(KeyDocument.Wrap(key, [identity.Recipient]).ToJson())!;
        json["wraps"]![0]![member] = JsonNode.Parse(value);
        Assert.Throws<DamagedObjectException>(() => KeyDocument.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())));
    }

    [Fact]
    public void Changed_documents_give_the_key_or_a_declared_error()
    {
        using var identity = Identity.Create();
        using var key = Samples.Key();
        var json = KeyDocument.Wrap(key, [identity.Recipient]).ToJson();
        for (var bit = 0; bit < json.Length * 8; bit++)
        {
            var changed = json.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                // Nothing but the secret itself is authenticated with a document, so a changed date is not noticed.
                using var opened = KeyDocument.Parse(changed).Unwrap(identity);
                Assert.Equal(key.Secret, opened.Secret);
            }
            catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException or WrongIdentityException)
            {
                continue;
            }
        }

        for (var length = 0; length < json.Length - 1; length++)
        {
            Assert.Throws<DamagedObjectException>(() => KeyDocument.Parse(json.AsSpan(0, length)));
        }
    }
}
