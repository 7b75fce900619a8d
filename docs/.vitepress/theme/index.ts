import type { Theme } from "vitepress";
import { useData } from "vitepress";
import theme from "vitepress/theme-without-fonts";
import { nextTick, onMounted, watch } from "vue";
import "./style.css";

export default {
  extends: theme,
  setup() {
    const { frontmatter } = useData();
    onMounted(markMain);
    watch(
      () => frontmatter.value.layout,
      () => nextTick(markMain),
    );

    /** Other pages have a `main`, where a screen reader begins; the home page has none of its own. */
    function markMain(): void {
      const content = document.getElementById("VPContent");
      if (frontmatter.value.layout === "home") content?.setAttribute("role", "main");
      else content?.removeAttribute("role");
    }
  },
} satisfies Theme;
