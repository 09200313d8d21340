// Photos, GIFs, and videos that are played from playlists and parts.

function mediaElement(post, { links = true } = {}) {
  const media = post.legacy.extended_entities?.media ?? [];
  if (!media.length) return null;
  const path = `/${author(post).screen_name}/status/${post.rest_id}`;
  const shown = media.map((one, number) => {
    if (one.type === "photo") return photo(one, links ? `${path}/photo/${number + 1}` : null);
    return links ? player(one) : still(one);
  });
  return element("div", { class: `media media-${shown.length}` }, shown);
}

function photo(one, href) {
  const source = `${one.media_url_https.replace(/\.jpg$/, "")}?format=jpg&name=small`;
  const image = element("img", { alt: one.ext_alt_text ?? "Image", src: source, draggable: "true" });
  const framed = element("div", { testid: "tweetPhoto", class: "frame", style: ratio(one) }, image);
  return href ? element("a", { href, role: "link" }, framed) : framed;
}

function still(one) {
  const image = element("img", { alt: "Embedded video", src: one.media_url_https });
  return element("div", { testid: "tweetPhoto", class: "frame", style: ratio(one) }, image);
}

function player(one) {
  const gif = one.type === "animated_gif";
  const video = element("video", {
    poster: one.media_url_https,
    playsinline: true,
    "aria-label": "Embedded video",
  });
  video.muted = true;
  if (gif) {
    video.loop = true;
    video.autoplay = true;
    video.src = one.video_info.variants[0].url;
  } else {
    stream(video, one.video_info.variants.find((size) => size.content_type.endsWith("mpegURL")).url);
  }
  const badge = element("span", { class: "badge" }, gif ? "GIF" : clock(one.video_info.duration_millis));
  return element("div", { testid: "videoPlayer", class: "frame", style: ratio(one) }, video, badge);
}

function ratio(one) {
  const { width, height } = one.original_info;
  return `aspect-ratio: ${Math.max(0.8, width / height)}`;
}

function clock(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const CODEC = 'video/mp4; codecs="avc1.42C01F"';
const AHEAD = 2; // parts that are fetched before anybody plays on

// Give the element a source of ours, and fill it: master playlist, a size's playlist, its parts.
function stream(video, master) {
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  source.addEventListener("sourceopen", () => fill(video, source, master).catch(() => {}), { once: true });
}

async function fill(video, source, master) {
  URL.revokeObjectURL(video.src);
  const sizes = (await fetched(master)).split("\n").filter((line) => line.startsWith("/"));
  const playlist = await fetched(new URL(sizes[0], master));
  const initial = /URI="([^"]+)"/.exec(playlist)[1];
  const parts = playlist.split("\n").filter((line) => line.startsWith("/"));
  const playable = MediaSource.isTypeSupported(CODEC) && source.readyState === "open";
  const buffer = playable ? source.addSourceBuffer(CODEC) : null;
  for (const [number, path] of [initial, ...parts].entries()) {
    if (number > AHEAD && !(await played(video, number))) return;
    const bytes = await (await fetch(new URL(path, master))).arrayBuffer();
    if (!buffer || source.readyState !== "open") continue;
    buffer.appendBuffer(bytes);
    await new Promise((done) => buffer.addEventListener("updateend", done, { once: true }));
    if (number === 1) video.play().catch(() => {});
  }
  if (source.readyState === "open") source.endOfStream();
}

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Failed(`status ${answer.status}`);
  return answer.text();
}

// Wait until the video has come near what is fetched; false if it has left the page.
function played(video, number) {
  return new Promise((done) => {
    const look = () => {
      if (!video.isConnected) done(false);
      else if (video.currentTime > (number - AHEAD) * 3 - 1) done(true);
      else setTimeout(look, 500);
    };
    look();
  });
}
